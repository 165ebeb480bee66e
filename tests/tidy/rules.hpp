// What holds for the whole source tree, rule by rule. Each is a pure function of the tree and gives
// every place where it is broken.
#pragma once

#include <vector>

#include "tests/tidy/tree.hpp"

namespace tocsin::tidy {

// Our own folders include each other in one direction only, and a third-party header only the
// adapter that wraps it. The tables are in includes.cpp.
std::vector<Problem> check_includes(const Tree& tree);

// Calls that would read a clock, sleep, start a shell or depend on chance where that is not
// allowed, and what would make the pure core not repeatable. The table is in calls.cpp.
std::vector<Problem> check_calls(const Tree& tree);

// g++ 12 destroys some temporaries twice in a statement with co_await (CONTRIBUTING.md): no brace
// temporaries and no lambdas that capture by value in such a statement.
std::vector<Problem> check_co_await(const Tree& tree);

// Every .cpp is named in a CMakeLists.txt of its folder or above; every .hpp is included.
std::vector<Problem> check_dead_files(const Tree& tree);

// No notes to self: what is not done is said in README.md.
std::vector<Problem> check_notes(const Tree& tree);

// Both languages have the same keys with the same parameters, sorted, one line each; the Chinese is
// that of Taiwan.
std::vector<Problem> check_texts(const Tree& tree);

// Each code by which a check, a rule or a finding gives its reason is named by a test.
std::vector<Problem> check_reasons(const Tree& tree);

}  // namespace tocsin::tidy
