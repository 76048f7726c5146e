# What the rules must remember is kept at a clean stop only.
s/^\twhile \(rule_next_dirty\(engine->rules, all, &at, &cell\)\) \{/\twhile (all \&\& rule_next_dirty(engine->rules, all, \&at, \&cell)) {/
