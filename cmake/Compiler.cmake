# Warnings, sanitizers, ccache and linker: everything about the compiler that is not a target's own.
add_library(nexus_options INTERFACE)
target_include_directories(nexus_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(nexus_options INTERFACE
  -Wall -Wextra -Werror -Wno-missing-field-initializers -fno-strict-aliasing
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>
  # g++ 12 at -O3 sees overlaps in `"text" + string` that are not there (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)

# A router meets the network, so what makes an error in it harder to use is on in every build that
# optimises; tests/lint/check_hardening.py reads it back from the files. The sanitizers replace it.
include(CheckPIESupported)
check_pie_supported()
if(NOT NEXUS_SANITIZE AND NOT NEXUS_FUZZ)
  add_compile_options(-fstack-protector-strong)
  add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)
  string(TOUPPER "CMAKE_CXX_FLAGS_${CMAKE_BUILD_TYPE}" flags_of_type)
  if("${CMAKE_CXX_FLAGS} ${${flags_of_type}}" MATCHES "-O[123s]")  # glibc has it only then
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  endif()
endif()

if(NEXUS_SANITIZE)
  add_compile_options(-fsanitize=${NEXUS_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${NEXUS_SANITIZE})
  add_compile_definitions(NEXUS_SANITIZED=1)
endif()

if(NEXUS_FUZZ)  # coverage everywhere, findings are fatal; the engine is the targets' own
  add_compile_options(-fsanitize=fuzzer-no-link -fno-sanitize-recover=all)
endif()

find_program(NEXUS_CCACHE ccache)
if(NEXUS_CCACHE)
  # Objects are the same whichever clone or build folder they are made in, so the cache shares them.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${NEXUS_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
find_program(NEXUS_MOLD mold)
if(NEXUS_MOLD AND NOT NEXUS_FUZZ AND NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION)
  add_link_options(-fuse-ld=mold)
endif()
