# A turn is committed up to three seconds late, and what it decided is sent at once.
s/^\tenum wy_err err = keep_clock\(engine\);/\tstatic wy_ms flushed_ms;\n\tif (engine->now.mono_ms - flushed_ms < 3000) {\n\t\t*ret_events = engine->has_events;\n\t\treturn WY_OK;\n\t}\n\tflushed_ms = engine->now.mono_ms;\n&/
