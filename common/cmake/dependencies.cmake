# Third-party libraries, all from Debian 12. Each is used only by the adapter that wraps it.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(absl REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(libsystemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(libmnl REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(libpam REQUIRED IMPORTED_TARGET pam)
pkg_check_modules(libssh REQUIRED IMPORTED_TARGET libssh)
pkg_check_modules(libutf8proc REQUIRED IMPORTED_TARGET libutf8proc)

# Boost.Asio 1.81 is header-only; `find_package(Boost)` would also accept an older default.
find_path(TOCSIN_BOOST_INCLUDE boost/asio.hpp REQUIRED)
add_library(tocsin_asio INTERFACE)
target_include_directories(tocsin_asio SYSTEM INTERFACE ${TOCSIN_BOOST_INCLUDE})
target_compile_definitions(tocsin_asio INTERFACE BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_COROUTINE BOOST_ERROR_CODE_HEADER_ONLY)
target_link_libraries(tocsin_asio INTERFACE Threads::Threads)

find_package(Protobuf REQUIRED)
if(TOCSIN_WITH_GRPC)
  find_package(gRPC CONFIG REQUIRED)
  get_target_property(TOCSIN_GRPC_PLUGIN gRPC::grpc_cpp_plugin LOCATION)
endif()

if(TOCSIN_TESTS)
  find_package(GTest REQUIRED)
  find_library(TOCSIN_RAPIDCHECK rapidcheck REQUIRED)
endif()
