awaitable<void> good(std::string s) {
  Args a{s, 1};
  co_await f(std::move(a));
  auto x = co_await g();
  if (co_await g()) {
    co_await h(x);
  }
  for (auto& part : co_await parts()) {
    use(part);
  }
  co_await run(db, [this] { return 1; });
  co_await run(db, [&] { return Args{s, 1}; });
  co_await run(db, [&, this](int n) { return n; });
  co_await run(db, [] { return 1; });
  co_await at(list[0], map["a"]);
  while (!co_await stop()) {
  }
  auto op = f([s] { return 1; });
  co_await std::move(op);
  if (open && !stopped) co_await g();
  if (open || late) {
    co_await g();
  }
  const bool both = open && late;
  if (auto&& got = co_await g()) {
  }
  CO_TRY(const auto y, co_await g());
}
awaitable<void> bad(std::string s) {
  co_await f(Args{s, 1});  // bad
  co_await f({.a = s});  // bad
  if (co_await f(Args{s, 1}) > 3) {  // bad
  }
  co_await f([s] { return 1; });  // bad
  co_await f([=] { return 1; });  // bad
  co_await f([&, s] { return 1; });  // bad
  co_await f([this, copy = s] { return 1; });  // bad
  co_await f(std::vector<std::string>{s, s});  // bad
  co_await [s]() -> awaitable<void> { co_return; }();  // bad
  f(Args{s, 1}, co_await g());  // bad
  const auto args = Args{s, co_await g()};  // bad
  use({co_await g()});  // bad
  if (open && co_await g()) {  // bad
  }
  if (!co_await g() || late) {  // bad
  }
  while (f(co_await g()) && open) {  // bad
  }
  for (int i = 0; i < 3 && co_await g(); ++i) {  // bad
  }
  if (open &&
      (late || co_await g())) {  // bad
  }
  co_await f(  // bad
      s, Args{s, 1});
}
