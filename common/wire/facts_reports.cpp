// What other programs and the kernel report: logs, scanners, backups, metrics, plugins.
#include "common/wire/facts.hpp"

namespace tocsin::wire {

namespace {

void put_item(const model::WarningGroup& from, v1::WarningGroup& to) {
  to.set_id(from.id);
  to.set_level(static_cast<v1::WarningLevel>(from.level));
  to.set_count(from.count);
  to.set_first_ns(from.first.ns);
  to.set_last_ns(from.last.ns);
  to.set_example(from.example);
  to.set_meaning_en(from.meaning.en);
  to.set_meaning_zh_tw(from.meaning.zh_tw);
}

Result<model::WarningGroup> take_item(const v1::WarningGroup& from) {
  model::WarningGroup item;
  item.id = name_text(from.id());
  TOCSIN_TRY(check_enum("warning_group.level", from.level(), 1, 4));
  item.level = static_cast<model::WarningLevel>(from.level());
  item.count = from.count();
  item.first = host_instant(from.first_ns());
  item.last = host_instant(from.last_ns());
  item.example = value_text(from.example());
  item.meaning = {value_text(from.meaning_en()), value_text(from.meaning_zh_tw())};
  return item;
}

void put_item(const model::AntivirusHit& from, v1::AntivirusHit& to) {
  to.set_path(from.path);
  to.set_name(from.name);
  to.set_size_bytes(from.size_bytes);
}

Result<model::AntivirusHit> take_item(const v1::AntivirusHit& from) {
  model::AntivirusHit item;
  item.path = path_text(from.path());
  item.name = name_text(from.name());
  item.size_bytes = from.size_bytes();
  return item;
}

void put_item(const model::UnseenFolder& from, v1::UnseenFolder& to) {
  to.set_path(from.path);
  to.set_why(static_cast<v1::FolderUnseen>(from.why));
}

Result<model::UnseenFolder> take_item(const v1::UnseenFolder& from) {
  model::UnseenFolder item;
  item.path = path_text(from.path());
  TOCSIN_TRY(check_enum("unseen_folder.why", from.why(), 1, 5));
  item.why = static_cast<model::FolderUnseen>(from.why());
  return item;
}

void put_item(const model::BackupEvent& from, v1::BackupEvent& to) {
  to.set_name(from.name);
  to.set_status(from.status);
  to.set_at_ns(from.at.ns);
  to.set_count(from.count);
}

Result<model::BackupEvent> take_item(const v1::BackupEvent& from) {
  model::BackupEvent item;
  item.name = name_text(from.name());
  item.status = name_text(from.status());
  item.at = host_instant(from.at_ns());
  item.count = from.count();
  return item;
}

void put_item(const model::BackupSpace& from, v1::BackupSpace& to) {
  to.set_name(from.name);
  to.set_used_permille(from.used_permille);
}

Result<model::BackupSpace> take_item(const v1::BackupSpace& from) {
  model::BackupSpace item;
  item.name = name_text(from.name());
  item.used_permille = from.used_permille();
  return item;
}

void put_item(const model::BackupSource& from, v1::BackupSource& to) {
  to.set_name(from.name);
  to.set_last_success_ns(from.last_success.ns);
}

Result<model::BackupSource> take_item(const v1::BackupSource& from) {
  model::BackupSource item;
  item.name = value_text(from.name());
  item.last_success = host_instant(from.last_success_ns());
  return item;
}

void put_item(const model::FileSystemUse& from, v1::FileSystemUse& to) {
  to.set_mount(from.mount);
  to.set_used_permille(from.used_permille);
  to.set_inodes_used_permille(from.inodes_used_permille);
  to.set_read_only(from.read_only);
}

Result<model::FileSystemUse> take_item(const v1::FileSystemUse& from) {
  model::FileSystemUse item;
  item.mount = path_text(from.mount());
  item.used_permille = from.used_permille();
  item.inodes_used_permille = from.inodes_used_permille();
  item.read_only = from.read_only();
  return item;
}

void put_item(const model::PerformanceValue& from, v1::PerformanceValue& to) {
  to.set_label(from.label);
  to.set_value(from.value);
  to.set_unit(from.unit);
}

Result<model::PerformanceValue> take_item(const v1::PerformanceValue& from) {
  model::PerformanceValue item;
  item.label = name_text(from.label());
  item.value = name_text(from.value());
  item.unit = name_text(from.unit());
  return item;
}

template <class Messages, class Item>
Status take_items(std::string_view what, const Messages& from, std::size_t limit,
                  std::vector<Item>& to) {
  TOCSIN_TRY(check_count(what, static_cast<std::size_t>(from.size()), limit));
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& one : from) {
    auto item = take_item(one);
    if (!item) return tl::unexpected(std::move(item).error());
    to.push_back(*std::move(item));
  }
  return {};
}

}  // namespace

void put(const model::WarningsFacts& from, v1::WarningsFacts& to) {
  to.set_source(from.source);
  to.set_records(from.records);
  to.set_bytes(from.bytes);
  to.set_bytes_behind(from.bytes_behind);
  to.set_rotations(from.rotations);
  to.set_lost_bytes(from.lost_bytes);
  to.set_long_records(from.long_records);
  to.set_lost_track(from.lost_track);
  to.set_own_records(from.own_records);
  for (const model::WarningGroup& one : from.groups) put_item(one, *to.add_groups());
  to.set_groups_over_limit(from.groups_over_limit);
  to.set_present(wire::to(from.present));
}

Result<model::WarningsFacts> take(const v1::WarningsFacts& from) {
  model::WarningsFacts facts;
  facts.source = path_text(from.source());
  facts.records = from.records();
  facts.bytes = from.bytes();
  facts.bytes_behind = from.bytes_behind();
  facts.rotations = from.rotations();
  facts.lost_bytes = from.lost_bytes();
  facts.long_records = from.long_records();
  facts.lost_track = from.lost_track();
  facts.own_records = from.own_records();
  TOCSIN_TRY(take_items("warnings.groups", from.groups(), limits::kWarningGroups, facts.groups));
  facts.groups_over_limit = from.groups_over_limit();
  facts.present = wire::from(from.present());
  return facts;
}

void put(const model::AntivirusFacts& from, v1::AntivirusFacts& to) {
  to.set_engine(from.engine);
  to.set_engine_version(from.engine_version);
  to.set_signatures_version(from.signatures_version);
  to.set_signatures_at_ns(from.signatures_at.ns);
  to.set_scanner_available(wire::to(from.scanner_available));
  to.set_scanned(from.scanned);
  to.set_skipped(from.skipped);
  to.set_too_large(from.too_large);
  to.set_errors(from.errors);
  to.set_budget_exhausted(from.budget_exhausted);
  for (const model::AntivirusHit& one : from.hits) put_item(one, *to.add_hits());
  to.set_hits_over_limit(from.hits_over_limit);
  to.set_names_over_limit(from.names_over_limit);
  for (const model::UnseenFolder& one : from.folders_unseen) {
    put_item(one, *to.add_folders_unseen());
  }
  to.set_folders_unseen_over_limit(from.folders_unseen_over_limit);
  to.set_programs_unseen(from.programs_unseen);
  to.set_unreadable(from.unreadable);
}

Result<model::AntivirusFacts> take(const v1::AntivirusFacts& from) {
  model::AntivirusFacts facts;
  facts.engine = name_text(from.engine());
  facts.engine_version = name_text(from.engine_version());
  facts.signatures_version = name_text(from.signatures_version());
  facts.signatures_at = host_instant(from.signatures_at_ns());
  facts.scanner_available = wire::from(from.scanner_available());
  facts.scanned = from.scanned();
  facts.skipped = from.skipped();
  facts.too_large = from.too_large();
  facts.errors = from.errors();
  facts.budget_exhausted = from.budget_exhausted();
  TOCSIN_TRY(take_items("antivirus.hits", from.hits(), limits::kAntivirusHits, facts.hits));
  facts.hits_over_limit = from.hits_over_limit();
  facts.names_over_limit = from.names_over_limit();
  TOCSIN_TRY(take_items("antivirus.folders_unseen", from.folders_unseen(), limits::kUnseenFolders,
                        facts.folders_unseen));
  facts.folders_unseen_over_limit = from.folders_unseen_over_limit();
  facts.programs_unseen = from.programs_unseen();
  facts.unreadable = from.unreadable();
  return facts;
}

void put(const model::BackupJobFacts& from, v1::BackupJobFacts& to) {
  to.set_job(from.job);
  to.set_tool(from.tool);
  to.set_last_success_ns(from.last_success.ns);
  to.set_last_check_ns(from.last_check.ns);
  to.set_check_ok(wire::to(from.check_ok));
  to.set_last_restore_test_ns(from.last_restore_test.ns);
  to.set_restore_ok(wire::to(from.restore_ok));
  to.set_last_database_backup_ns(from.last_database_backup.ns);
  for (const model::BackupEvent& one : from.schedules) put_item(one, *to.add_schedules());
  for (const model::BackupEvent& one : from.errors) put_item(one, *to.add_errors());
  for (const model::BackupEvent& one : from.devices) put_item(one, *to.add_devices());
  for (const model::BackupSpace& one : from.spaces) put_item(one, *to.add_spaces());
  to.set_over_limit(from.over_limit);
  for (const model::BackupSource& one : from.sources) put_item(one, *to.add_sources());
  to.set_reachable(wire::to(from.reachable));
  for (const model::BackupEvent& one : from.blind) put_item(one, *to.add_blind());
  to.set_integrity_wanted(from.integrity_wanted);
  to.set_restore_wanted(from.restore_wanted);
  to.set_hour_ns(from.hour.ns);
  to.set_scheduled(wire::to(from.scheduled));
}

Result<model::BackupJobFacts> take(const v1::BackupJobFacts& from) {
  model::BackupJobFacts facts;
  facts.job = name_text(from.job());
  facts.tool = name_text(from.tool());
  facts.last_success = host_instant(from.last_success_ns());
  facts.last_check = host_instant(from.last_check_ns());
  facts.check_ok = wire::from(from.check_ok());
  facts.last_restore_test = host_instant(from.last_restore_test_ns());
  facts.restore_ok = wire::from(from.restore_ok());
  facts.last_database_backup = host_instant(from.last_database_backup_ns());
  TOCSIN_TRY(
      take_items("backup_job.schedules", from.schedules(), limits::kBackupEvents, facts.schedules));
  TOCSIN_TRY(take_items("backup_job.errors", from.errors(), limits::kBackupEvents, facts.errors));
  TOCSIN_TRY(
      take_items("backup_job.devices", from.devices(), limits::kBackupEvents, facts.devices));
  TOCSIN_TRY(take_items("backup_job.spaces", from.spaces(), limits::kBackupEvents, facts.spaces));
  facts.over_limit = from.over_limit();
  TOCSIN_TRY(
      take_items("backup_job.sources", from.sources(), limits::kBackupSources, facts.sources));
  facts.reachable = wire::from(from.reachable());
  TOCSIN_TRY(take_items("backup_job.blind", from.blind(), limits::kBackupEvents, facts.blind));
  facts.integrity_wanted = from.integrity_wanted();
  facts.restore_wanted = from.restore_wanted();
  facts.hour = host_instant(from.hour_ns());
  facts.scheduled = wire::from(from.scheduled());
  return facts;
}

void put(const model::MetricsFacts& from, v1::MetricsFacts& to) {
  to.set_memory_available_permille(from.memory_available_permille);
  to.set_swap_used_permille(from.swap_used_permille);
  to.set_processors(from.processors);
  to.set_cpu_busy_permille(from.cpu_busy_permille);
  to.set_load_1m_permille(from.load_1m_permille);
  to.set_clock_synchronized(wire::to(from.clock_synchronized));
  to.set_clock_offset_us(from.clock_offset_us);
  to.set_stalled_permille(from.stalled_permille);
  to.set_oom_kills(from.oom_kills);
  for (const model::FileSystemUse& one : from.file_systems) put_item(one, *to.add_file_systems());
  to.set_file_systems_over_limit(from.file_systems_over_limit);
  to.set_recent_oom_kills(from.recent_oom_kills);
  to.set_stalled_known(wire::to(from.stalled_known));
  to.set_file_systems_unseen(from.file_systems_unseen);
  to.set_memory_known(wire::to(from.memory_known));
  to.set_recent_limit_kills(from.recent_limit_kills);
  to.set_kills_apart(wire::to(from.kills_apart));
}

Result<model::MetricsFacts> take(const v1::MetricsFacts& from) {
  model::MetricsFacts facts;
  facts.memory_available_permille = from.memory_available_permille();
  facts.swap_used_permille = from.swap_used_permille();
  facts.processors = from.processors();
  facts.cpu_busy_permille = from.cpu_busy_permille();
  facts.load_1m_permille = from.load_1m_permille();
  facts.clock_synchronized = wire::from(from.clock_synchronized());
  facts.clock_offset_us = from.clock_offset_us();
  facts.stalled_permille = from.stalled_permille();
  facts.oom_kills = from.oom_kills();
  TOCSIN_TRY(take_items("metrics.file_systems", from.file_systems(), limits::kFileSystems,
                        facts.file_systems));
  facts.file_systems_over_limit = from.file_systems_over_limit();
  facts.recent_oom_kills = from.recent_oom_kills();
  facts.stalled_known = wire::from(from.stalled_known());
  facts.file_systems_unseen = from.file_systems_unseen();
  facts.memory_known = wire::from(from.memory_known());
  facts.recent_limit_kills = from.recent_limit_kills();
  facts.kills_apart = wire::from(from.kills_apart());
  return facts;
}

void put(const model::PluginFacts& from, v1::PluginFacts& to) {
  to.set_name(from.name);
  to.set_status(from.status);
  to.set_output(from.output);
  to.set_output_cut(from.output_cut);
  for (const model::PerformanceValue& one : from.performance) put_item(one, *to.add_performance());
  to.set_performance_over_limit(from.performance_over_limit);
}

Result<model::PluginFacts> take(const v1::PluginFacts& from) {
  model::PluginFacts facts;
  facts.name = name_text(from.name());
  if (from.status() > 3) return out_of_range("plugin.status", from.status());
  facts.status = from.status();
  facts.output = value_text(from.output());
  facts.output_cut = from.output_cut();
  TOCSIN_TRY(take_items("plugin.performance", from.performance(), limits::kPerformanceValues,
                        facts.performance));
  facts.performance_over_limit = from.performance_over_limit();
  return facts;
}

}  // namespace tocsin::wire
