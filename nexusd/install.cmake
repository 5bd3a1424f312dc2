# What `cmake --install` puts where. The SDK installs itself, in sdk/CMakeLists.txt.
set(NEXUS_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/nexus-kernel)
set(NEXUS_KERNEL_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR}/nexus-kernel)

install(TARGETS nexusd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(NEXUSD_PLUGINS AND NOT NEXUS_STATIC_PLUGINS)
  # Nobody but the owner may write a plugin, whatever the umask of who installs.
  install(TARGETS ${NEXUSD_PLUGINS}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/nexus/plugins
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  install(CODE "file(CHMOD \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/nexus/plugins\"
    PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)")
endif()

# For programs with a router inside: the library, and kernel/nexus.hpp with what it includes.
install(TARGETS nexus ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
function(nexus_collect_headers header result)
  if(header IN_LIST ${result})
    return()
  endif()
  list(APPEND ${result} ${header})
  # Looked at again when one of them changes.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
  file(STRINGS ${PROJECT_SOURCE_DIR}/${header} includes REGEX "^#include \"kernel/")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "^#include \"([^\"]*)\".*" "\\1" included "${include}")
    nexus_collect_headers(${included} ${result})
  endforeach()
  set(${result} ${${result}} PARENT_SCOPE)
endfunction()
nexus_collect_headers(kernel/nexus.hpp kernel_headers)
foreach(header IN LISTS kernel_headers)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${NEXUS_KERNEL_INCLUDEDIR}/${folder})
endforeach()
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Else the archive holds nothing that another compiler or linker understands.
  foreach(layer IN LISTS NEXUS_LAYERS)
    target_compile_options(${layer} PRIVATE -ffat-lto-objects)
  endforeach()
endif()
include(CMakePackageConfigHelpers)
configure_package_config_file(nexus-kernelConfig.cmake.in nexus-kernelConfig.cmake
  INSTALL_DESTINATION ${NEXUS_PACKAGE_DIR}
  PATH_VARS CMAKE_INSTALL_LIBDIR NEXUS_KERNEL_INCLUDEDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(nexus-kernelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/nexus-kernelConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/nexus-kernelConfigVersion.cmake DESTINATION ${NEXUS_PACKAGE_DIR})

# Documentation, samples and examples: below the folder of the documentation they lie as in the
# repository, so that what the text says of them is true in both places.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/etc/nexus.json ${PROJECT_SOURCE_DIR}/etc/nexus.ini
  ${PROJECT_SOURCE_DIR}/etc/nexus-secure.json ${PROJECT_SOURCE_DIR}/etc/nexus-secure.ini
  ${PROJECT_SOURCE_DIR}/etc/nexus-secure-rules.json ${PROJECT_SOURCE_DIR}/etc/nexus-go.json
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/etc)
install(FILES ${PROJECT_SOURCE_DIR}/examples/hello.py
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/auth ${PROJECT_SOURCE_DIR}/examples/security
  ${PROJECT_SOURCE_DIR}/examples/embed
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples PATTERN __pycache__ EXCLUDE)

# The rest depends on where it really goes, which only the install step knows: `cmake --install` may
# be given another prefix. As everywhere, what is installed to /usr has its configuration in /etc.
set(paths "set(prefix \"\${CMAKE_INSTALL_PREFIX}\")\n")
foreach(dir IN ITEMS BINDIR SYSCONFDIR DOCDIR DATADIR INCLUDEDIR)
  string(TOLOWER ${dir} variable)
  string(APPEND paths "set(${variable} \"${CMAKE_INSTALL_${dir}}\")\n"
    "cmake_path(ABSOLUTE_PATH ${variable} BASE_DIRECTORY \"\${prefix}\")\n")
endforeach()
string(APPEND paths "if(prefix STREQUAL \"/usr\" AND sysconfdir STREQUAL \"/usr/etc\")
  set(sysconfdir \"/etc\")\nendif()\n")
# What is made for one prefix is made in a folder of its own: two may install from one build folder
# at the same time.
set(own_folder "string(RANDOM LENGTH 12 ALPHABET 0123456789abcdef own)
  set(folder \"${CMAKE_CURRENT_BINARY_DIR}/installing-\${own}\")\n")
set(config_files nexus.json nexus-secure.json nexus-secure.ini nexus-secure-rules.json)
install(CODE "${paths}
  ${own_folder}
  configure_file(\"${PROJECT_SOURCE_DIR}/etc/nexus.service.in\" \"\${folder}/nexus.service\" @ONLY)
  file(INSTALL \"\${folder}/nexus.service\" DESTINATION \"\${prefix}/lib/systemd/system\")
  file(REMOVE_RECURSE \"\${folder}\")
  # A configuration that somebody may have edited stays.
  foreach(name IN ITEMS ${config_files})
    if(NOT EXISTS \"\$ENV{DESTDIR}\${sysconfdir}/nexus/\${name}\")
      file(INSTALL \"${PROJECT_SOURCE_DIR}/etc/\${name}\" DESTINATION \"\${sysconfdir}/nexus\")
    endif()
  endforeach()")

# Links lead to where things are installed; what is not has no link.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(kernel_map "")
foreach(header IN LISTS kernel_headers)
  string(APPEND kernel_map " --map ${header}=\${includedir}/nexus-kernel/${header}")
endforeach()
install(CODE "${paths}
  foreach(place IN ITEMS datadir includedir prefix)
    cmake_path(RELATIVE_PATH \${place} BASE_DIRECTORY \"\${docdir}\")
  endforeach()
  ${own_folder}
  execute_process(COMMAND \"${Python3_EXECUTABLE}\" \"${PROJECT_SOURCE_DIR}/tools/install-docs.py\"
    --root \"${PROJECT_SOURCE_DIR}\" --out \"\${folder}\"
    --map README.md=README.md --map CHANGELOG.md=CHANGELOG.md --map LICENSE=LICENSE --map docs=docs
    --markdown plugins/authenticators --markdown plugins/authorizers
    --markdown plugins/serializers --markdown plugins/transports
    --map etc=etc --map etc/nexus.service.in=\${prefix}/lib/systemd/system/nexus.service
    --map examples=examples --map examples/plugins=\${datadir}/nexus/examples
    --map sdk/template=\${datadir}/nexus/template --map sdk/include=\${includedir} ${kernel_map}
    COMMAND_ERROR_IS_FATAL ANY)
  file(INSTALL \"\${folder}/\" DESTINATION \"\${docdir}\")
  file(REMOVE_RECURSE \"\${folder}\")")
