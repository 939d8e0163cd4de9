# Helpers that keep the module files to a few lines.

add_library(tollgate_flags INTERFACE)
target_include_directories(tollgate_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(tollgate_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
                       -Werror=return-type -Werror=unused-result -fno-omit-frame-pointer -g1)
# Boost.Asio: coroutines in the safe subset only (DESIGN, "Coroutines"); no deprecated names; no exceptions through handlers.
target_compile_definitions(tollgate_flags INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_STD_INVOKE_RESULT
                           BOOST_JSON_NO_LIB BOOST_URL_NO_LIB)
if(TOLLGATE_SANITIZE)
  target_compile_options(tollgate_flags INTERFACE -fsanitize=${TOLLGATE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tollgate_flags INTERFACE -fsanitize=${TOLLGATE_SANITIZE})
endif()
# What a fuzzer steers by: its counters, in code that is fast enough to run often. The rest of a sanitizer build is not optimised:
# that saves over a third of the compiler's time and costs half a minute of tests, and no access is gone before a sanitizer sees it.
add_library(tollgate_fuzzed_flags INTERFACE)
if(TOLLGATE_FUZZ)
  target_compile_options(tollgate_fuzzed_flags INTERFACE -O1 -fsanitize=fuzzer-no-link)
endif()

# Precompiled headers, one for each set of flags. A target takes one with tollgate_precompiled(TARGET code|fuzzed|test); without
# TOLLGATE_PRECOMPILE that does nothing. The sanitizer builds have them; the release build
# must not, so that an include that is missing is found there.
function(tollgate_add_precompiled kind header)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled_${kind}.cpp CONTENT "// Only for its precompiled header.\n")
  add_library(tollgate_precompiled_${kind} OBJECT ${PROJECT_BINARY_DIR}/precompiled_${kind}.cpp)
  target_link_libraries(tollgate_precompiled_${kind} PRIVATE tollgate_flags tollgate_proto fmt::fmt Boost::headers ${ARGN})
  # For ccache: equal content, equal file.
  target_compile_options(tollgate_precompiled_${kind} PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  target_precompile_headers(tollgate_precompiled_${kind} PRIVATE ${PROJECT_SOURCE_DIR}/${header})
endfunction()
function(tollgate_precompiled target kind)
  if(kind STREQUAL fuzzed AND NOT TOLLGATE_FUZZ)
    set(kind code)
  endif()
  if(TOLLGATE_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM tollgate_precompiled_${kind})
  endif()
endfunction()

# A word that a helper does not know is a mistake, not nothing.
macro(tollgate_all_understood name)
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${name}: nobody knows what ${ARG_UNPARSED_ARGUMENTS} means here (cmake/tollgate.cmake)")
  endif()
endmacro()

# tollgate_module(NAME [FUZZED] SOURCES a.cpp b.cpp DEPS x y)  ->  library tollgate_NAME. FUZZED: a fuzz target runs its code.
function(tollgate_module name)
  cmake_parse_arguments(ARG "FUZZED" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  tollgate_all_understood(${name})
  if(ARG_SOURCES)
    add_library(tollgate_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(tollgate_${name} PUBLIC tollgate_flags ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
    if(ARG_FUZZED)
      target_link_libraries(tollgate_${name} PRIVATE tollgate_fuzzed_flags)
      tollgate_precompiled(tollgate_${name} fuzzed)
    else()
      tollgate_precompiled(tollgate_${name} code)
    endif()
  else()
    add_library(tollgate_${name} INTERFACE)
    target_link_libraries(tollgate_${name} INTERFACE tollgate_flags ${ARG_DEPS})
  endif()
endfunction()

# tollgate_test(NAME SOURCES a_test.cpp DEPS x [LABELS concurrent slow] [TIMEOUT s])  ->  binary test_NAME, one CTest case
# each. Labels choose what the sanitizer builds run: "concurrent" under TSan, everything but "slow" under ASan/UBSan.
function(tollgate_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  tollgate_all_understood(${name})
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE tollgate_flags ${ARG_DEPS} GTest::gtest_main GTest::gmock)
  target_compile_definitions(test_${name} PRIVATE TOLLGATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                             TOLLGATE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  tollgate_precompiled(test_${name} test)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(TOLLGATE_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 4")  # what a sanitizer costs, and the compiler beside it
  endif()
  add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# tollgate_fuzz(NAME SOURCE f.cpp DEPS x CORPUS dir)  ->  fuzz_NAME with libFuzzer; without TOLLGATE_FUZZ the same source
# is a plain program that replays the corpus, so that every found input stays a test everywhere.
function(tollgate_fuzz name)
  cmake_parse_arguments(ARG "" "SOURCE;CORPUS" "DEPS" ${ARGN})
  tollgate_all_understood(${name})
  if(TOLLGATE_FUZZ)
    add_executable(fuzz_${name} ${ARG_SOURCE})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(fuzz_${name} ${ARG_SOURCE} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
  endif()
  target_link_libraries(fuzz_${name} PRIVATE tollgate_flags tollgate_fuzzed_flags ${ARG_DEPS})
  add_test(NAME fuzz_corpus_${name} COMMAND fuzz_${name} -runs=0 ${ARG_CORPUS} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

# tollgate_bench(NAME SOURCES b.cpp DEPS x)  ->  bench_NAME; CTest runs it small, so that a bench cannot rot.
function(tollgate_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  tollgate_all_understood(${name})
  add_executable(bench_${name} ${ARG_SOURCES})
  target_link_libraries(bench_${name} PRIVATE tollgate_flags ${ARG_DEPS} benchmark::benchmark)
  target_compile_definitions(bench_${name} PRIVATE TOLLGATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(TOLLGATE_TESTS)
    add_test(NAME bench_${name}_small COMMAND bench_${name} --benchmark_min_time=0.01
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(bench_${name}_small PROPERTIES TIMEOUT 120 LABELS "slow")
  endif()
endfunction()
