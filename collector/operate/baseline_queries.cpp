// What operators may ask about baselines: which there are, what one says, and how a host differs.
#include <algorithm>

#include <fmt/format.h>

#include "collector/operate/operator_api.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/rules/baseline.hpp"
#include "common/rules/judge.hpp"
#include "common/wire/proto.hpp"

namespace tocsin::collector {
namespace {

using model::BaselineRecord;
using model::BaselineStatus;

std::vector<model::BaselineEntry> entries_of(const BaselineRecord& record) {
  std::vector<model::BaselineEntry> entries;
  for (const model::ProposedEntry& one : record.entries) entries.push_back(one.entry);
  return entries;
}

template <class Rows>
void put(const std::vector<model::BaselineEntry>& entries, Rows& rows) {
  for (const model::BaselineEntry& entry : entries) wire::to_proto(entry, *rows.Add());
}

void put_without_entries(BaselineRecord record, v1::BaselineState& to) {
  record.entries.clear();
  record.left_out.clear();
  wire::to_proto(record, to);
}

std::string clean(std::string_view text) { return clean_text(text, limits::kName); }

Result<std::optional<model::BaselineScope>> scope_of(bool given, const v1::BaselineScope& scope) {
  if (!given) return std::nullopt;
  auto decoded = wire::from_proto(scope);
  if (!decoded) return fail(ErrorCode::invalid_argument, decoded.error().message);
  return *std::move(decoded);
}

bool needs_baseline(model::CheckKind kind) {
  return kind == model::CheckKind::sockets || kind == model::CheckKind::processes;
}

}  // namespace

Result<v1::BaselineList> OperatorApi::list_baselines(const v1::ListBaselinesRequest& request) {
  const auto scope = scope_of(request.has_scope(), request.scope());
  if (!scope) return fail(scope.error());
  TOCSIN_TRY(wait_until(request.read_at()));
  auto now = as_of();
  if (!now) return fail(now.error());
  BaselineQuery query;
  query.scope = *scope;
  query.live_only = !query.scope || request.proposed_only();
  query.limit = limits::kPageRows;
  const auto rows = parts_.state.baseline_list(query);
  if (!rows) return fail(rows.error());
  v1::BaselineList list;
  *list.mutable_as_of() = std::move(*now);
  for (const BaselineSummary& summary : *rows) {
    if (request.proposed_only() && summary.record.status != BaselineStatus::proposed) continue;
    v1::BaselineList::Row& row = *list.add_baselines();
    row.set_entries(summary.entries);
    row.set_left_out(summary.left_out);
    row.set_marked(summary.marked);
    wire::to_proto(summary.record, *row.mutable_baseline());
  }
  return list;
}

// The one that was in force before `record`, or is while it is only proposed.
Result<std::optional<BaselineRecord>> OperatorApi::compared_with(const BaselineRecord& record) {
  BaselineQuery query;
  query.scope = record.scope;
  query.limit = 1;
  if (record.version > 1) {
    query.version = record.version - 1;
  } else if (record.version == 1) {
    return std::nullopt;
  } else {
    query.live_only = true;
    query.limit = limits::kPageRows;
  }
  auto records = parts_.state.baselines(query);
  if (!records) return fail(records.error());
  const auto other = std::find_if(records->begin(), records->end(),
                                  [](const BaselineRecord& one) { return one.version != 0; });
  if (other == records->end()) return std::nullopt;
  return std::move(*other);
}

Result<v1::BaselineDetail> OperatorApi::get_baseline(const v1::GetBaselineRequest& request) {
  const auto scope = scope_of(request.has_scope(), request.scope());
  if (!scope) return fail(scope.error());
  if (request.id() == 0 && !*scope) {
    return fail(ErrorCode::invalid_argument, "a baseline's id, or its host or group, is needed");
  }
  TOCSIN_TRY(wait_until(request.read_at()));
  auto now = as_of();
  if (!now) return fail(now.error());
  BaselineQuery query;
  query.id = BaselineId{request.id()};
  query.scope = *scope;
  query.version = request.version();
  query.live_only = request.id() == 0 && request.version() == 0;
  auto records = parts_.state.baselines(query);
  if (!records) return fail(records.error());
  const bool any = request.id() != 0 || request.version() != 0;
  const auto record = std::find_if(records->begin(), records->end(), [&](const auto& one) {
    return any || one.status == BaselineStatus::approved;
  });
  if (record == records->end()) {
    return fail(ErrorCode::not_found,
                *scope ? fmt::format("no such baseline of {}", clean(to_string(**scope)))
                       : fmt::format("no baseline {}", request.id()));
  }
  const auto other = compared_with(*record);
  if (!other) return fail(other.error());
  v1::BaselineDetail detail;
  *detail.mutable_as_of() = std::move(*now);
  wire::to_proto(*record, *detail.mutable_baseline());
  if (*other) detail.set_compared_version((*other)->version);
  const rules::EntryChanges changed = rules::changes(
      *other ? entries_of(**other) : std::vector<model::BaselineEntry>{}, entries_of(*record));
  put(changed.added, *detail.mutable_added());
  put(changed.removed, *detail.mutable_removed());
  return detail;
}

Result<std::optional<BaselineRecord>> OperatorApi::in_force_for(const std::string& host) {
  for (const model::BaselineScope& scope : rules::scopes_for(*parts_.judge.policy(), host)) {
    BaselineQuery query;
    query.scope = scope;
    query.live_only = true;
    auto records = parts_.state.baselines(query);
    if (!records) return fail(records.error());
    for (BaselineRecord& record : *records) {
      if (record.status == BaselineStatus::approved) return std::move(record);
    }
  }
  return std::nullopt;
}

Result<v1::BaselineDiff> OperatorApi::diff_baseline(const v1::DiffBaselineRequest& request) {
  TOCSIN_TRY(wait_until(request.read_at()));
  auto now = as_of();
  if (!now) return fail(now.error());
  const auto hosts = parts_.state.hosts_called(request.host());
  if (!hosts) return fail(hosts.error());
  const auto host = std::find_if(hosts->begin(), hosts->end(), [&](const model::Host& one) {
    return one.name == request.host() && !one.revoked;
  });
  if (host == hosts->end()) {
    return fail(ErrorCode::not_found, fmt::format("no host \"{}\"", clean(request.host())));
  }
  const auto record = in_force_for(host->name);
  if (!record) return fail(record.error());
  const auto policy = parts_.judge.policy();
  const model::Baseline* own = model::baseline_of(*policy, host->name);
  std::optional<model::ApprovedBaseline> approved;
  if (*record) approved = model::approved(**record);
  const auto baseline =
      rules::combined(approved ? &*approved : nullptr, own, Instant{now->journal_ns()});

  v1::BaselineDiff diff;
  *diff.mutable_as_of() = std::move(*now);
  diff.set_host(host->name);
  if (*record) put_without_entries(**record, *diff.mutable_baseline());
  if (own != nullptr) {
    diff.set_policy_baseline(own->name);
    diff.set_policy_version(own->version);
  }
  std::vector<model::Observation> seen;
  std::vector<model::Judgement> judged;
  for (const model::CheckStatus& check : host->checks) {
    if (!needs_baseline(check.check.kind)) continue;
    seen.push_back(check.observation);
    judged.push_back(rules::judge(check.observation, baseline ? &*baseline : nullptr,
                                  model::rule_limits(*policy, host->name)));
    v1::CheckStatus& row = *diff.add_checks();
    wire::to_proto(check.check, *row.mutable_check());
    row.set_verdict(static_cast<v1::Verdict>(judged.back().verdict));
    for (const model::Message& reason : judged.back().reasons) {
      wire::to_proto(reason, *row.add_reasons());
    }
    row.set_observed_ns(check.observed.ns);
  }
  const rules::Difference difference = rules::difference(
      approved ? approved->entries : std::vector<model::BaselineEntry>{}, seen, judged);
  put(difference.unexpected, *diff.mutable_unexpected());
  put(difference.absent, *diff.mutable_absent());
  return diff;
}

}  // namespace tocsin::collector
