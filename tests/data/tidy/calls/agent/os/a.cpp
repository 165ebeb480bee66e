auto a = std::chrono::steady_clock::now();  // bad
auto b = time_source.steady();
void f() {
  std::this_thread::sleep_for(1s);  // bad
  ::sleep(1);  // bad
  usleep(1);  // bad
  system("true");  // bad
  link.system("a member is another function");
  throw 1;  // bad
  double ratio = 1;
  co_sleep(1);
  const auto text = "sleep(1) in a text";
  std::unordered_map<int, int> fine_here;
}
