# tocsin_library(NAME SOURCES a.cpp … [PUBLIC libs…] [PRIVATE libs…])
#   One library per folder. PUBLIC and PRIVATE list what it may include: this list is the architecture.
function(tocsin_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE} tocsin_settings)
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_PUBLIC})
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
  endif()
endfunction()

# tocsin_executable(NAME SOURCES main.cpp LINK libs…): main.cpp only; the logic is in a library.
function(tocsin_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} tocsin_settings)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# tocsin_test(NAME LABEL unit SOURCES a_test.cpp … LINK libs… [TIMEOUT s])
#   One GoogleTest binary. Every test case is a ctest entry of its own only for label `unit`-like
#   speed: the binary runs once as a whole; tests/run.sh counts the cases from its XML.
function(tocsin_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT TOCSIN_TESTS)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main
    ${TOCSIN_RAPIDCHECK} tocsin_settings)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name} --gtest_output=xml:${PROJECT_BINARY_DIR}/results/${name}.xml)
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()

# tocsin_protobuf(NAME PROTOS …): generated messages, compiled without our warnings and sanitizers
# (they are not our code).
function(tocsin_protobuf name)
  cmake_parse_arguments(ARG "" "" "PROTOS" ${ARGN})
  add_library(${name} STATIC ${ARG_PROTOS})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
  target_include_directories(${name} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
  target_compile_options(${name} PRIVATE -w -ffunction-sections -fdata-sections)
  protobuf_generate(TARGET ${name} LANGUAGE cpp IMPORT_DIRS ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

# tocsin_grpc(NAME MESSAGES target PROTOS …): generated callback services over those messages.
function(tocsin_grpc name)
  cmake_parse_arguments(ARG "" "MESSAGES" "PROTOS" ${ARGN})
  add_library(${name} STATIC ${ARG_PROTOS})
  target_link_libraries(${name} PUBLIC ${ARG_MESSAGES} gRPC::grpc++)
  target_include_directories(${name} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
  target_compile_options(${name} PRIVATE -w -ffunction-sections -fdata-sections)
  protobuf_generate(TARGET ${name} LANGUAGE grpc IMPORT_DIRS ${CMAKE_CURRENT_SOURCE_DIR}
    GENERATE_EXTENSIONS .grpc.pb.h .grpc.pb.cc
    PLUGIN "protoc-gen-grpc=${TOCSIN_GRPC_PLUGIN}")
endfunction()

# tocsin_folders(a b …): the subfolders that exist, in this order.
function(tocsin_folders)
  foreach(folder ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endfunction()

# tocsin_fuzzer(NAME SOURCES x.cpp LINK libs… [SAMPLES folders…]): a libFuzzer target (preset fuzz),
# run by ctest for TOCSIN_FUZZ_SECONDS. It begins with tests/data/fuzz/NAME, where inputs that once
# failed stay for good, and with the folders of SAMPLES; what it finds goes to the build folder. Without
# real input to begin with it would find little but the first line's errors: that is a mistake, in
# every preset.
function(tocsin_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;SAMPLES" ${ARGN})
  set_property(GLOBAL APPEND PROPERTY TOCSIN_FUZZERS ${name})
  file(GLOB seeds CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/data/fuzz/${name}/*)
  if(NOT seeds)
    message(FATAL_ERROR "${name} has no input to begin with: tests/data/fuzz/${name}")
  endif()
  if(NOT TOCSIN_FUZZ)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} tocsin_settings)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  set(corpus ${PROJECT_BINARY_DIR}/corpus/${name})
  file(MAKE_DIRECTORY ${corpus})
  set(samples ${ARG_SAMPLES} ${PROJECT_SOURCE_DIR}/tests/data/fuzz/${name})
  add_test(NAME ${name} COMMAND ${name} -max_total_time=${TOCSIN_FUZZ_SECONDS} -timeout=10
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=${PROJECT_BINARY_DIR}/ ${corpus} ${samples})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()
