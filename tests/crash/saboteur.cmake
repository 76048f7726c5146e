# Saboteurs: the product with one promise broken on purpose. A rig that does not find one is blind, so each has a test
# that passes only if its rig finds it. Product code knows nothing of this: one source file is copied and changed with
# sed, and linked before the static library it comes from, whose own copy the linker then leaves where it is.
#
# wy_saboteur(NAME FILE SED)
#   NAME  what is broken: puback_is_receipt
#   FILE  of the product, from the root of the project: gateway/delivery/delivery.c
#   SED   a script beside the caller. Each line that is no comment is applied by itself, and must change something: a
#         product that was rewritten since does not turn a saboteur into the product without anybody noticing.
# gives the object library saboteur_NAME. A test of the module puts its objects first:
#   wy_test(power_normal SOURCES power_test.c $<TARGET_OBJECTS:saboteur_NAME> LIBS wy_store)
# wy_saboteur_program(NAME PROGRAM) links the whole program (weiyu, weiyu-desk) around it, with the steps
# of its kind, as bin/PROGRAM-NAME.
set(WY_SABOTAGE ${CMAKE_CURRENT_LIST_DIR}/sabotage.sh CACHE INTERNAL "changes a source file, or fails")

# The library of a source file: wy_delivery of gateway/delivery/, wy_desk of deploy/desk/.
function(wy_saboteur name file sed)
  get_filename_component(source ${file} NAME)
  get_filename_component(dir ${file} DIRECTORY)
  get_filename_component(module ${dir} NAME)
  if(ARGC GREATER 3)
    set(library ${ARGV3})
  else()
    set(library wy_${module})
  endif()
  set(changed ${CMAKE_CURRENT_BINARY_DIR}/saboteurs/${name}/${source})
  add_custom_command(OUTPUT ${changed}
    COMMAND sh ${WY_SABOTAGE} ${PROJECT_SOURCE_DIR}/${file} ${CMAKE_CURRENT_SOURCE_DIR}/${sed} ${changed}
    DEPENDS ${PROJECT_SOURCE_DIR}/${file} ${CMAKE_CURRENT_SOURCE_DIR}/${sed} ${WY_SABOTAGE} VERBATIM)
  add_library(saboteur_${name} OBJECT ${changed})
  target_compile_definitions(saboteur_${name} PRIVATE $<TARGET_PROPERTY:${library},COMPILE_DEFINITIONS>)
  target_include_directories(saboteur_${name} PRIVATE ${PROJECT_SOURCE_DIR}/${dir}
    $<TARGET_PROPERTY:${library},INCLUDE_DIRECTORIES>)
  target_compile_options(saboteur_${name} PRIVATE -w) # what is broken may leave something unused behind
endfunction()

function(wy_saboteur_program name program)
  add_executable(${program}-${name} $<TARGET_OBJECTS:saboteur_${name}> $<TARGET_OBJECTS:${program}>)
  if(TARGET ${program}_steps)
    target_link_libraries(${program}-${name} PRIVATE ${program}_steps)
  else()
    target_link_libraries(${program}-${name} PRIVATE $<TARGET_PROPERTY:${program},LINK_LIBRARIES>)
  endif()
endfunction()
