#include <string>
#include <utility>
std::string f(std::string s) {
  std::string t = std::move(s);
  return s + t;
}
