/* doc_world.c: constant tables; nothing is read from files, so that a failure here is a failure of
 * the writer. */
#include "doc_world.h"

#include <stdlib.h>
#include <string.h>

static const struct wy_zone_change changes[] = {{INT64_MIN, 28800}};
static const struct wy_point points[] = {
	{.name = "running", .type = WY_TYPE_BOOL},
	{.name = "load_pct", .type = WY_TYPE_REAL},
	{.name = "mode",
	 .type = WY_TYPE_ENUM,
	 .values = (const char *const[]){"NORMAL", "INSPECTION"},
	 .n_values = 2},
	{.name = "run_count", .type = WY_TYPE_COUNTER},
};
static const struct wy_class classes[] = {
	{.id = "lift", .name_zh = "电梯", .name_en = "Lift", .points = points, .n_points = 4}};
static const struct wy_asset assets[] = {
	{.id = "3A-L1", .name_zh = "3A栋1号梯", .name_en = "Lift 1, building 3A"},
	{.id = "3A-L2", .name_zh = "3A栋2号梯", .name_en = "Lift 2, building 3A"},
	{.id = "bare", .name_zh = "裸", .name_en = "Bare"},
};
static const uint32_t alternatives[] = {0};
static const struct config_asset details[] = {
	{.scope = "public", .affected_households = -1},
	{.make = "monarch",
	 .model = "NICE3000",
	 .installed = "2022-12-01",
	 .regulator_code = "31301",
	 .scope = "public",
	 .place = {.area = "二期",
		   .building = "3A",
		   .unit = "1",
		   .floor = "7",
		   .space = "shaft",
		   .is_public = true},
	 .affected_units = (const char *const[]){"3A-1"},
	 .n_affected_units = 1,
	 .affected_households = 66,
	 .alternatives = alternatives,
	 .n_alternatives = 1},
	{.scope = "unknown", .affected_households = -1},
};
static const struct config_department engineering = {"engineering", "工程部", "Engineering"};
static const struct config_department order = {"order", "秩序部", "Security"};
static const struct config_vendor vendor = {"lift-wb", "lift",	"迅达维保", "400-000-0000",
					    "WB-1",    7200000, false};
static const struct config_vendor backup = {"lift-wb-2", "lift",      "备选维保", NULL,
					    NULL,	 WY_MS_NEVER, true};
static const struct config_support support[] = {{&order, {"轿厢安抚", "Calm passengers"}, 900000}};
static const struct config_step steps[] = {
	{{"电话确认轿厢内人员情况", "Call the car"}, &engineering, 600000},
	{{"告知", "Tell residents"}, NULL, WY_MS_NEVER},
};
static const struct config_text causes[] = {{"层门门锁断开", "Landing door lock open"}};
static const struct config_fault fault = {
	.code = "ELV-01",
	.name_zh = "困人",
	.name_en = "Entrapment",
	.component = "car",
	.kind = "fault",
	.category = "repair",
	.subcategory = "elevator",
	.severity = 5,
	.safety = {"life"},
	.n_safety = 1,
	.primary = &engineering,
	.support = support,
	.n_support = 1,
	.vendor_role = "lift",
	.vendor_arrive_ms = 1800000,
	.script = "SC-ARRIVE-30",
	.sop_id = "SOP-ELV-01",
	.steps = steps,
	.n_steps = 2,
	.notice_policy = "after_ack",
	.causes = causes,
	.n_causes = 1,
	.verified_by = "sensor",
	.close = {"门区内开门", "Door opened in a door zone"},
};
static const struct config_fault bare_fault = {
	.code = "SYS-01",
	.name_zh = "失联",
	.name_en = "Lost",
	.component = "loop",
	.kind = "system",
	.category = "repair",
	.subcategory = "public_facility",
	.severity = 2,
	.safety = {"none"},
	.n_safety = 1,
	.primary = &engineering,
	.vendor_arrive_ms = WY_MS_NEVER,
	.sop_id = "SOP-SYS-01",
	.notice_policy = "never",
	.verified_by = "none",
	.close = {"恢复", "Back"},
};
static const struct config config = {
	.gateway = "gw-demo-01",
	.site = {.id = "yulan",
		 .name_zh = "玉兰花园",
		 .name_en = "Magnolia Gardens",
		 .profile = "premium",
		 .zone = {"Asia/Shanghai", changes, 1}},
	.classes = classes,
	.n_classes = 1,
	.assets = assets,
	.details = details,
	.n_assets = 3,
	.tiers = {{.name_zh = "紧急", .name_en = "Emergency"},
		  {.name_zh = "重要", .name_en = "Important"},
		  {.name_zh = "一般", .name_en = "Normal"},
		  {.name_zh = "预防", .name_en = "Planned"}},
};
static const struct rule_level_info levels[] = {{1, "running and load_pct > $occupied_load", NULL}};
static const struct rule_info rule = {.id = "lift.entrapment",
				      .fault = "ELV-01",
				      .file = "lift.yaml",
				      .line = 3,
				      .revision = 77,
				      .latch = RULE_LATCH_ACK,
				      .levels = levels,
				      .n_levels = 1};
static const struct rule_clause clauses[] = {
	{.text = "running", .text_len = 7, .truth = RULE_TRUE, .word = "true"},
	{.text = "load_pct > $occupied_load",
	 .text_len = 25,
	 .truth = RULE_TRUE,
	 .has_value = true,
	 .has_limit = true,
	 .value = 12.3,
	 .limit = 5},
	{.text = "motor_temp > 80 degC",
	 .text_len = 20,
	 .truth = RULE_UNKNOWN,
	 .why = "motor_temp stale"},
};
static struct ticket_sample samples[4];
static const struct ticket_standing plain = {.reason = "open"};
static const struct ticket_ref members[] = {
	{"lift.entrapment", "3A-L2", "3A栋2号梯", "ELV-01", NULL, "tk_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
	{"lift.silent", "3A-L1", "3A栋1号梯", "SYS-01", NULL, ""},
};
static const struct ticket_note notes[] = {
	{.is_step = true, .step = 1, .what = "escalate", .who = "manager", .why = "", .wall_ms = DOC_WALL + 9000},
	{.what = "shelve", .who = "wang", .why = "waits for a part", .wall_ms = DOC_WALL + 6000,
	 .until_wall_ms = DOC_WALL + 3600000},
	{.what = "ack", .who = "", .why = "", .wall_ms = DOC_WALL + 5000},
	{.is_step = true, .step = 0, .what = "escalate", .who = "dept_head", .why = "", .wall_ms = DOC_WALL + 3000},
};
static const struct ticket_standing busy = {
	.reason = "escalate",
	.is_chattering = true,
	.is_maintenance = true,
	.is_out_of_service = true,
	.shelved_until_wall_ms = DOC_WALL + 3600000,
	.keys = {"3", "other"},
	.n_keys = 2,
	.has_parent = true,
	.parent = {"power.lost", "3A-P1", "3A栋配电", "SYS-03", "7", ""},
	.group = "tk_aaaaaaaaaaaaaaaaaaaaaaaaaa",
	.members = members,
	.n_members_shown = 2,
	.n_members = 2,
	.earlier = {"tk_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
	.n_earlier = 1,
	.notes = notes,
	.n_notes = 4,
};

static void open_ticket(struct doc_world *world, const char *asset, const char *code, uint8_t tier)
{
	struct ticket_identity who = {.gateway = config.gateway,
				      .asset = asset,
				      .fault = code,
				      .rule = "lift.entrapment",
				      .epoch = 0x0c41d2f07ab3e615u,
				      .episode = 2,
				      .day = 20261122,
				      .number = 1,
				      .repeat_of = "tk_aaaaaaaaaaaaaaaaaaaaaaaaaa",
				      .repeat_count_30d = 1};
	struct ticket_terms terms = {600000, 900000, 0, tier == 4 ? TICKET_PLANNED : 7200000,
				     604800000};
	struct ticket_input input = {.kind = TICKET_RAISE,
				     .now = {50000, DOC_WALL, WY_CLOCK_SYNCED},
				     .at_ms = 50000,
				     .onset_ms = 45000,
				     .tier = tier,
				     .terms = &terms};
	struct ticket_output output;

	if (tier == 4)
		who.repeat_of = NULL;
	if (ticket_init(&world->ticket, &who) != WY_OK ||
	    ticket_step(&world->ticket, &input, &output) != WY_OK)
		abort();
}

static void make_samples(void)
{
	for (unsigned i = 0; i < 4; i++) {
		samples[i].point = &points[i];
		samples[i].wall_ms = DOC_WALL - 4000 + (wy_ms)i * 1000;
		samples[i].sample =
			(struct wy_sample){.point = i, .quality = WY_Q_GOOD, .is_whole = i != 1};
		samples[i].sample.whole = 1;
	}
	samples[1].sample.real = 12.3;
	samples[3].sample.quality = WY_Q_BAD;
	samples[3].sample.why = WY_WHY_TIMEOUT;
}

void doc_world_make(struct doc_world *world)
{
	memset(world, 0, sizeof(*world));
	make_samples();
	open_ticket(world, "3A-L2", "ELV-01", 1);
	(void)ticket_observe(&world->ticket, 12.3, 5);
	world->context =
		(struct ticket_context){.config = &config,
					.asset = 1,
					.fault = &fault,
					.vendor = &vendor,
					.vendor_backup = &backup,
					.rule = &rule,
					.clear_hold_ms = 5000,
					.bundle = 0xabcdef,
					.clauses = clauses,
					.n_clauses = 3,
					.samples = samples,
					.n_samples = 4,
					.summary_zh = "3A栋2号梯困人，载重12.3%",
					.summary_en = "Lift 2: passengers trapped, load 12.3 %",
					.notice_zh = "非常抱歉，3A栋2号梯故障。",
					.notice_en = "Sorry, lift 2 is out of order.",
					.standing = &plain,
					.mode = "live",
					.boot = "8c1f",
					.seq = 4711,
					.now = {50000, DOC_WALL, WY_CLOCK_SYNCED}};
}

void doc_world_make_bare(struct doc_world *world)
{
	memset(world, 0, sizeof(*world));
	open_ticket(world, "bare", "SYS-01", 4);
	world->context = (struct ticket_context){.config = &config,
						 .asset = 2,
						 .fault = &bare_fault,
						 .mode = "replay",
						 .boot = "",
						 .seq = 1,
						 .now = {50000, DOC_WALL, WY_CLOCK_UNSYNCED}};
}

void doc_world_burden(struct doc_world *world)
{
	world->context.standing = &busy;
}

void doc_world_clear(struct doc_world *world)
{
	struct ticket_input input = {.kind = TICKET_CLEAR,
				     .now = {65000, DOC_WALL + 15000, WY_CLOCK_STEPPED},
				     .at_ms = 65000};
	struct ticket_output output;

	if (ticket_step(&world->ticket, &input, &output) != WY_OK)
		abort();
	world->context.seq++;
	world->context.now = input.now;
}

struct ticket_state doc_world_state(bool is_death)
{
	struct ticket_state state = {.gateway = config.gateway,
				     .epoch_reason = "new",
				     .zone = &config.site.zone,
				     .epoch = 0x0c41d2f07ab3e615u,
				     .boot = "8c1f",
				     .bd_seq = 3,
				     .last_seq = 4711,
				     .queued = 2,
				     .version = "0.1.0",
				     .bundle = 0xabcdef,
				     .grade = "G2",
				     .instance = 0x1f2e3d4c5b6a7988,
				     .is_death = is_death,
				     .reason = is_death ? "lost" : NULL,
				     .now = {50000, DOC_WALL, WY_CLOCK_SYNCED}};

	return state;
}
