/* wy_limits.h: every ceiling in the program, in one place, with what happens at the top.
 *
 * refuse   the load or the call fails with WY_E_LIMIT and a diagnostic that names the ceiling
 * drop     the named thing is dropped and counted
 * slow     the producer waits
 *
 * Not called limits.h: that would stand in front of the C library's own <limits.h>. */
#ifndef WY_LIMITS_H
#define WY_LIMITS_H

/* Files and trees */
#define WY_FILE_BYTES_MAX (1024u * 1024u) /* one YAML file; refuse */
#define WY_NODE_DEPTH_MAX 32u             /* nesting of a YAML file; refuse */
#define WY_NODES_MAX 200000u              /* nodes of one YAML file; refuse */
#define WY_DIAGS_MAX 200u                 /* messages kept of one load; later ones are counted only, errors before warnings */
#define WY_LOAD_ARENA_BYTES (64u * 1024u * 1024u) /* everything a load builds; refuse */

/* Building */
#define WY_WIRES_MAX 2000u       /* refuse */
#define WY_DEVICES_MAX 2000u     /* refuse */
#define WY_ASSETS_MAX 4000u      /* refuse */
#define WY_WINDOWS_MAX 1000u     /* planned windows; refuse */
#define WY_POINTS_PER_DEVICE 512u /* of one profile; refuse */
#define WY_POINTS_PER_CLASS 256u /* refuse */
#define WY_RELATIONS_MAX 16u     /* of one class; refuse */
#define WY_FD_MODBUS_MAX 1023    /* libmodbus select()s: a descriptor above this is closed, WY_E_LIMIT */
#define WY_MODBUS_DOUBTS_MAX 32u /* unanswered requests of a serial line; above: nothing is sent until they age */
#define WY_MODBUS_MISSES_MAX 3u   /* times in a row a living device may not give a block; then it is left alone for a minute */
#define WY_MODBUS_CLOSED_MAX 24u  /* holes of a device known not to be readable; above: no hole of it is read over for a day */
#define WY_MODBUS_SPLITS_MAX 32u  /* refused reads halved in one poll; the rest is BAD until the next */
#define WY_LEARNED_BYTES_MAX 512u /* what is kept of one device as text; the rest is learned again */
#define WY_REQUEST_KEPT 16u       /* bytes of a request that `weiyu sniff` can show; cut */
#define WY_FRAME_KEPT 64u         /* and of an answer; cut */
#define WY_TLS_FILE_BYTES_MAX 65536       /* one file of certificates, or a key; refuse */
#define WY_TLS_ROLE_BYTES 64              /* the Modbus role of our certificate, with its end; a longer one counts as none */
#define WY_TLS_LATER_MS (5LL * 365 * 86400 * 1000) /* a certificate that begins so long after the bound of a clock that is wrong; refuse */
#define WY_TLS_STEP_BYTES 65536           /* taken from one TLS server at once; the rest at the next call */
#define WY_TLS_HANDSHAKE_BYTES_MAX 262144 /* of a server before it is proven; then the connection ends */
#define WY_WIRE_WAIT_MAX_MS 600000 /* longest wait within a poll; one beyond is a mistake of ours, and the process ends */
#define WY_MODBUS_LISTEN_MS 10000 /* longest silence kept after a failed exchange, longest wait for a babbling line */

/* CoAP (coap.h) and SenML (senml.h) */
#define WY_COAP_TIMEOUT_MS 2000           /* of devices whose profile and site say none */
#define WY_COAP_PATHS_MAX 64u             /* resources of one device; refuse */
#define WY_COAP_PAYLOAD_MAX 65536u        /* one body, all blocks; the answer is BAD/PAYLOAD */
#define WY_COAP_TRUSTS_MAX 8u             /* certificate authorities of all devices, and one for those without; refuse */
#define WY_COAP_BODIES 4u                 /* bodies of several blocks under way at once; the next waits */
#define WY_COAP_BODY_MS 60000             /* all blocks of one body; then the device counts as silent */
#define WY_COAP_HANDSHAKES_MAX 64u        /* DTLS handshakes at once, half of them for devices that failed before; the next waits */
#define WY_COAP_SPREAD_MS 5000            /* first requests are spread over at most this */
#define WY_COAP_RETRY_FIRST_MS 1000       /* least wait before connecting again ... */
#define WY_COAP_RETRY_PART 16             /* ... then this part of the silence so far ... */
#define WY_COAP_RETRY_MOST_MS 60000       /* ... up to here */
#define WY_COAP_MAX_AGE_MOST_MS 3600000   /* a longer Max-Age counts as this: observers get forgotten */
#define WY_COAP_LACKING_MS 3600000        /* before an optional resource a device does not have is asked for again */
#define WY_COAP_LISTENERS_MAX 4u          /* wires that listen for sensors that push; refuse */
#define WY_COAP_STRANGERS_MAX 64u         /* peers in a handshake with a wire that listens; the one silent longest makes room */
#define WY_COAP_CALLS_OF_DEVICE 2u        /* associations of one sensor that pushes; the one silent longest ends */
#define WY_COAP_PUSH_FACTOR 3u            /* bytes sent to a peer that has proven nothing, for each of its own; drop */
#define WY_COAP_PUSH_IDLE_MS 86400000     /* an association nobody uses; end it */
#define WY_COAP_PUSH_MS 250               /* between two pushes of one sensor, on average ... */
#define WY_COAP_PUSH_BURST_MS 10000       /* ... over so long; then 4.29 */
#define WY_COAP_PUSHES_KEPT 8u            /* pushes of an association known again when they are repeated */
#define WY_COAP_HELLO_MS 10               /* between two handshakes of strangers, on average ... */
#define WY_COAP_HELLO_BURST_MS 2000       /* ... over so long; drop */
#define WY_LINKS_MAX 256u                 /* resources a server may list; refuse the list */
#define WY_LINKS_TEXT_BYTES (32u * 1024u) /* their texts; refuse the list */
#define WY_SENML_RECORDS_MAX 256u         /* of one pack; refuse the pack */
#define WY_SENML_DEPTH_MAX 8u             /* nesting of a pack; refuse the pack */
#define WY_SENML_NAME_BYTES 256u          /* a resolved name; refuse the pack */
#define WY_SENML_TEXT_BYTES (64u * 1024u) /* names, units and texts of one pack; refuse the pack */

/* Rules */
#define WY_RULES_MAX 2000u          /* refuse */
#define WY_RULE_INSTANCES_MAX 50000u /* refuse */
#define WY_RULE_SPAN_MAX_MS 34560000000 /* a length of time in a rule: 400d; refuse */
#define WY_RULE_LEVELS_MAX 4u       /* levels of one rule; refuse */
#define WY_RULE_OUT_UNKNOWN_MS 900000 /* an asset out of service that cannot be asked stays so; then it counts as back */
#define WY_RULE_TRENDS_MAX 8u       /* points attached to the tickets of one rule; refuse */
#define WY_PATTERN_STEPS_MAX 8u     /* steps of one pattern; refuse */
#define WY_RULE_LIST_MAX 64u         /* classes of one scope, rules that inhibit one; refuse */
#define WY_EXPR_NODES_MAX 512u      /* nodes of one expression; refuse */
#define WY_EXPR_DEPTH_MAX 32u       /* refuse */
#define WY_RULE_USES_MAX 256u       /* different parameters read by the rules of one class; refuse */
#define WY_RULE_MEMORIES_MAX 2048u  /* different stateful calls of one class, in keyed rules one for each key; refuse */
#define WY_RULE_KEYS_MAX 256u       /* keys of one rule on one asset; refuse */
#define WY_RULE_STATE_BYTES_MAX (32u * 1024u * 1024u) /* memories of stateful calls of all assets; refuse */
#define WY_RULE_SAMPLES_MAX 10000u  /* min_samples; refuse */
#define WY_RULE_PACKAGE_MAX 128u    /* parameters, or calendars, of one package; refuse */
#define WY_RULE_EDGES_MAX 1000000u  /* inhibitions between instances; refuse */
#define WY_RULE_FARS_MAX 256u       /* different points of related assets read by the rules of one class; refuse */
#define WY_RULE_TALLIES_MAX 1000u   /* different questions to the other assets of a class; refuse */
#define WY_RULE_PARTS_MAX 200000u   /* assets in them, each once for each question; refuse */
#define WY_RULE_READERS_MAX 1000000u /* pairs of who reads another asset, and that asset or question; refuse */
#define WY_RULE_LEARN_MAX 1000u     /* samples a baseline is learnt from; refuse */
#define WY_RULE_KEEP_MAX 32u        /* values kept per slot of a season; refuse */
#define WY_RULE_STEPS_MAX 400u      /* steps zstep() and m_of_n() look back; refuse */
#define WY_RULE_JOINT_MAX 8u        /* points of one joint(); refuse */
#define WY_RULE_RING_MAX 32u         /* instants a rule keeps for chatter, or for recur; refuse */
#define WY_RULE_GROUPS_MAX 4u        /* groups one rule may be a member of; refuse */
#define WY_LADDER_STEPS_MAX 8u      /* of one escalation ladder; refuse */
#define WY_RULE_CLAUSES_MAX 16u     /* deciding comparisons kept as evidence; the rest is left out */

/* Tests of rules (gateway/trial) */
#define WY_TRIALS_MAX 2000u         /* tests of one file; refuse */
#define WY_TRIAL_ROWS_MAX 1000u     /* expected tickets, commands, states, restarts of one test; refuse */
#define WY_TRIAL_EVENTS_MAX 100000u /* events one test may find; the test fails there */
#define WY_FEED_STEPS_MAX 1024u     /* steps of one feed; refuse */
#define WY_FEED_GROUPS_MAX 64u      /* repeats of one feed; refuse */
#define WY_FEED_SPANS_MAX 64u       /* gaps of one feed; refuse */

/* Tickets and uplink */
#define WY_TICKET_BYTES_MAX (60u * 1024u)  /* one event; evidence is shortened first, then refuse */
#define WY_UPLINK_WINDOW 100u              /* publishes without PUBACK, if the broker takes as many; WY_E_BUSY */
#define WY_UPLINK_TOPICS_MAX 8u            /* subscribed topics; refuse */
#define WY_UPLINK_MESSAGE_MAX 65536u       /* payload of one message: up refuse, down drop */
#define WY_UPLINK_QUEUE 256u               /* down messages the loop has not taken yet; drop newest */
#define WY_OUTBOX_WINDOW 128u             /* events sent and not yet receipted; slow */
#define WY_OUTBOX_BYTES (256u * 1024u * 1024u) /* all events in the store, by default; lower tiers make room, a gap record says so */
#define WY_COMMANDS_KEPT 64u               /* ids of commands that are not executed twice; oldest forgotten */
#define WY_EVIDENCE_SAMPLES 16u            /* changes kept of one point for evidence; drop oldest */
#define WY_CTL_REQUEST_MAX 65536u          /* one request on the control socket; refuse */
#define WY_CTL_CLIENTS_MAX 16u             /* refuse */

/* Store without a disk */
#define WY_STORE_MEMORY_BYTES (64u * 1024u * 1024u) /* pages that changed; refuse: the process ends (4), and begins where the disk left it */
#define WY_STORE_MEMORY_DONE_PCT 50u /* of it; what is receipted, parked or over is dropped */
#define WY_STORE_MEMORY_SHED_PCT 75u /* of it; lower tiers make room as at the quota; the rest is for S1 */
#define WY_STORE_MEMORY_OVER_PCT 10u /* beyond it, for receipts alone: they free what it holds */
#define WY_STORE_COPY_BYTES (32u * 1024u * 1024u)   /* of the store as the disk had it, read when memory begins; a larger one is read where
						     it lies, and the process ends (4) when that fails */
#define WY_STORE_REDO_BYTES (16u * 1024u * 1024u)   /* what one transaction wrote; then a disk that fails in it ends the process (4) */

/* Store */
#define WY_AWAY_MOST_MS (INT64_C(31) * 86400 * 1000) /* between two lives by the wall clock; more is not believed, and counts as nothing */
#define WY_STORE_FREE_BYTES (8u * 1024u * 1024u) /* of the file that are free: beyond them it is made smaller, a MiB a second */
#define WY_STORE_QUARANTINE_MAX 3u /* damaged stores that are kept; drop oldest */
#define WY_STORE_CHECK_BYTES_MAX (16u * 1024u * 1024u) /* of a store that is checked whole at each start; beyond it only what
							  decisions are made on, and the rest as it is read */
#define WY_STORE_PROBES_MAX 200000u /* rows of a damaged table that are asked for one by one; the rest is given up */

/* Recording */
#define WY_RECORD_RAW_BYTES (256u * 1024u)   /* of one block before packing; then the next begins */
#define WY_RECORD_BLOCK_BYTES (260u * 1024u) /* of one block with its header, packed or not */
#define WY_RECORD_QUEUE_BYTES (4u * 1024u * 1024u) /* packed blocks that wait for the disk; drop, and the recording says where */
#define WY_RECORD_FILES_MAX 10000u           /* in one directory; drop oldest */

/* Replay */
#define WY_CSV_WINDOW_BYTES (1024u * 1024u) /* of a table of readings in memory; a longer row: refuse */
#define WY_CSV_FILES_MAX 1000u              /* tables merged in one replay; refuse */
#define WY_CSV_ERRORS_MAX 20u               /* mistakes said; then the replay ends */
#define WY_REPLAY_TICKETS_MAX 4000000u      /* raises of one replay; refuse */

/* Desk (deploy/desk) */
#define WY_DESK_MESSAGE_BYTES_MAX 65536u /* one message; reject, with its number if it can be had */
#define WY_DESK_QUEUE_MAX 4096u          /* messages between MQTT and the database; drop: no receipt,
					    so the gateway sends them again */
#define WY_DESK_BATCH_MAX 128u           /* messages of one transaction; the rest waits */
#define WY_DESK_REJECTED_MAX 64u         /* named in one receipt; the latest are named */

#endif
