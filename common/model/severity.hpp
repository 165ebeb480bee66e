// Grades of the procedure's table 附表一 and the stages of an incident.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::model {

// A larger value is worse; `none` means no grade was reached (an event, not an incident: D-01).
enum class Severity : std::uint8_t { none = 0, e, d, c, b, a };
std::string_view to_string(Severity severity);  // "A" … "E", "-"
std::optional<Severity> severity_from(std::string_view word);

// H-01: 辨識 抑制 移除 復原 追踪
enum class Stage : std::uint8_t { identification = 1, containment, removal, recovery, follow_up };
std::string_view to_string(Stage stage);

enum class Role : std::uint8_t { duty = 1, working_group, officer, committee, auditor, admin };
inline constexpr std::array kRoles{Role::duty,      Role::working_group, Role::officer,
                                   Role::committee, Role::auditor,       Role::admin};
std::string_view to_string(Role role);
std::optional<Role> role_from(std::string_view word);

}  // namespace tocsin::model
