# shellcheck shell=bash
# Sourced by stories after site.sh: what the checks of a host say, and what was found there. As there,
# the answer is yes (0), no (1) or nobody's (2).
# shellcheck disable=SC2154  # $agents is the story's.

# begin_site NAME: a site with the policy of standard input, and its collector.
begin_site() {
  make_site "$1" || return 1
  start_collector
  check "The collector answers" within 20 collector_answers
}
# start_agents: of every host in `agents`.
start_agents() {
  local host
  for host in "${agents[@]}"; do
    enrol_agent "$host" && start_agent "$host" || return 1
  done
  check "The agents are heard" within 30 heard "${#agents[@]}"
}

# page HOST: what its checks say, a line for each reason: "backup_job files abnormal backup.rpo job=files
# source=db1 …".
page() {
  ask hosts "$1" -- '
    def word($prefix): sub($prefix; "") | ascii_downcase;
    .hosts[0].checks[] | . as $check | .reasons[]? |
    ([($check.check.kind | word("CHECK_KIND_")), ($check.check.target // "" | if . == "" then "-" else . end),
      ($check.verdict | word("VERDICT_")), .code] +
      [.parameters[]? | "\(.name)=\(.value)"]) | join(" ")'
}
# says HOST WORDS: a line of its page begins with these words; `…` stands for anything.
says() {
  local lines
  lines=$(page "$1") || return 2
  grep -q "^${2//…/.*}\( \|$\)" <<<"$lines"
}

# finds HOST CODE [SUBJECT]: a finding whose code and subject begin so is open in one of its incidents.
finds() {
  found "$1" --arg code "$2" --arg subject "${3-}" \
    'any(.[]; .closedAt == null and (.code | startswith($code)) and (.subject | startswith($subject)))'
}
# finds_exactly HOST CODE SUBJECT: the same with no other code and no longer subject.
finds_exactly() {
  found "$1" --arg code "$2" --arg subject "$3" \
    'any(.[]; .closedAt == null and .code == $code and .subject == $subject)'
}
finds_nothing() { found "$1" 'all(.[]; .closedAt != null)'; }
