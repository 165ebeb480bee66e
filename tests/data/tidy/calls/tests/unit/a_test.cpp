auto a = std::chrono::steady_clock::now();  // bad
void f() { nanosleep(nullptr, nullptr); }  // bad
void g() { throw 1; }
