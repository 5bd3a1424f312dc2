# nexus_add_plugin(NAME <name> SOURCES <file>... [LIBRARIES <target>...] [OUTPUT <dir>])
#
# Builds <name>.so as a nexus plugin: hidden visibility, one exported symbol, no "lib" prefix.
# Inside the nexus tree it also makes <name>_static, the same sources for linking into a program;
# its entry point is then nexus_plugin_entry_v1_<name with _ for ->.
set(NEXUS_PLUGIN_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/exports.map)

function(nexus_add_plugin)
  cmake_parse_arguments(P "" "NAME;OUTPUT" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${P_NAME} MODULE ${P_SOURCES})
  set_target_properties(${P_NAME} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${P_NAME} PRIVATE nexus::sdk ${P_LIBRARIES})
  target_link_options(${P_NAME} PRIVATE "LINKER:--version-script=${NEXUS_PLUGIN_EXPORTS}")
  set_property(TARGET ${P_NAME} APPEND PROPERTY LINK_DEPENDS ${NEXUS_PLUGIN_EXPORTS})
  if(P_OUTPUT)
    set_target_properties(${P_NAME} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${P_OUTPUT})
  endif()
  if(TARGET nexus_options)
    target_link_libraries(${P_NAME} PRIVATE nexus_options)
    string(REPLACE "-" "_" symbol ${P_NAME})
    add_library(${P_NAME}_static STATIC EXCLUDE_FROM_ALL ${P_SOURCES})
    set_target_properties(${P_NAME}_static PROPERTIES C_VISIBILITY_PRESET hidden
      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    target_compile_definitions(${P_NAME}_static PRIVATE NX_STATIC_PLUGIN=${symbol})
    target_link_libraries(${P_NAME}_static PUBLIC nexus::sdk ${P_LIBRARIES} PRIVATE nexus_options)
  endif()
endfunction()
