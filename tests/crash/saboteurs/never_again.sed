# Acknowledged by the broker, and never sent again. Found by the nemesis: brokers forget.
s/slot->due_ms = now_ms \+ back_off\(outbox->receipt_wait_ms, slot->silences\);/slot->due_ms = WY_MS_NEVER;/
