# Compiler settings that every target of ours gets through `tocsin_settings`.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Assertions stay on in every build type: a wrong state must stop the process, not spread.
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

find_program(TOCSIN_CCACHE ccache)
if(TOCSIN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TOCSIN_CCACHE})
endif()

find_program(TOCSIN_MOLD mold)
if(TOCSIN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(tocsin_settings INTERFACE)
target_include_directories(tocsin_settings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(tocsin_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  -fstack-protector-strong -ffunction-sections -fdata-sections)
target_link_options(tocsin_settings INTERFACE -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now)
target_compile_definitions(tocsin_settings INTERFACE TOCSIN_VERSION="${PROJECT_VERSION}")

if(TOCSIN_SANITIZE)
  target_compile_options(tocsin_settings INTERFACE
    -fsanitize=${TOCSIN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(tocsin_settings INTERFACE -fsanitize=${TOCSIN_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # With its checks inlined, g++ 12 takes parts of std::regex and std::function for unset.
    target_compile_options(tocsin_settings INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(TOCSIN_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(tocsin_settings INTERFACE -Wno-tsan)  # Asio uses fences.
  endif()
endif()
