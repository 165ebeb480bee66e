std::unordered_map<int, int> a;  // bad
double ratio = 0.2;  // bad
int doubled = 2;
int b = std::rand();  // bad
auto c = getenv("HOME");  // bad
