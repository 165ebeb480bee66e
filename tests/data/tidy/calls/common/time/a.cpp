auto a = std::chrono::system_clock::now();
void f() { std::this_thread::sleep_for(1s); }  // bad
