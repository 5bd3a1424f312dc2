# nexus_add_plugin(NAME <name> SOURCES <file>... [LIBRARIES <target>...] [OUTPUT <dir>] [FOR_TESTS])
#
# Builds <name>.so as a nexus plugin: hidden visibility, one exported symbol, no "lib" prefix, not
# writable by others (the router refuses to load it otherwise). With testing enabled in a tree of
# your own, adds the test <name>-check, which runs nexus-plugin-check on it.
#
# Inside the nexus tree it also makes <name>_static, the same sources for linking into a program;
# its entry point is then nexus_plugin_entry_v1_<name with _ for ->. FOR_TESTS leaves out that, and
# the plugin is not listed in the global property NEXUS_PLUGINS.
set(NEXUS_PLUGIN_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/exports.map)

function(nexus_add_plugin)
  cmake_parse_arguments(P "FOR_TESTS" "NAME;OUTPUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT P_NAME OR NOT P_SOURCES OR P_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "nexus_add_plugin(NAME <name> SOURCES <file>... "
      "[LIBRARIES <target>...] [OUTPUT <dir>])")
  endif()
  add_library(${P_NAME} MODULE ${P_SOURCES})
  set_target_properties(${P_NAME} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${P_NAME} PRIVATE nexus::sdk ${P_LIBRARIES})
  target_link_options(${P_NAME} PRIVATE "LINKER:--version-script=${NEXUS_PLUGIN_EXPORTS}")
  set_property(TARGET ${P_NAME} APPEND PROPERTY LINK_DEPENDS ${NEXUS_PLUGIN_EXPORTS})
  if(P_OUTPUT)
    set_target_properties(${P_NAME} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${P_OUTPUT})
  endif()
  # A umask of 002 would make what it builds unloadable.
  add_custom_command(TARGET ${P_NAME} POST_BUILD
    COMMAND chmod go-w $<TARGET_FILE:${P_NAME}> $<TARGET_FILE_DIR:${P_NAME}>)

  if(NOT TARGET nexus_options)  # a tree of an author
    if(BUILD_TESTING AND TARGET nexus::plugin-check)
      add_test(NAME ${P_NAME}-check COMMAND nexus::plugin-check $<TARGET_FILE:${P_NAME}>)
    endif()
    return()
  endif()
  target_link_libraries(${P_NAME} PRIVATE nexus_options)
  if(P_FOR_TESTS)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY NEXUS_PLUGINS ${P_NAME})
  string(REPLACE "-" "_" symbol ${P_NAME})
  add_library(${P_NAME}_static STATIC EXCLUDE_FROM_ALL ${P_SOURCES})
  set_target_properties(${P_NAME}_static PROPERTIES C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_definitions(${P_NAME}_static PRIVATE NX_STATIC_PLUGIN=${symbol})
  target_link_libraries(${P_NAME}_static PUBLIC nexus::sdk ${P_LIBRARIES} PRIVATE nexus_options)
endfunction()
