# freshet_add_plugin(NAME SOURCES file... [LINK target...] [VERSION_SCRIPT default|none|FILE])
#
# A plugin NAME.so (NAME is best the manifest's id) that passes Freshet's checks of the file: one exported symbol, no
# library search path, no executable stack, every symbol found in the libraries it names. LINK takes static libraries
# and targets; a worker has no shared libraries but the C and C++ runtimes. The C++ runtime is linked in: the plugin then
# runs beside every version of it, and its worker starts faster.
# VERSION_SCRIPT: `default` hides everything but freshet_plugin_entry; `none` is for tests of the refusal.
set(FRESHET_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/freshet_plugin.map)

function(freshet_add_plugin name)
  cmake_parse_arguments(arg "" "VERSION_SCRIPT" "SOURCES;LINK" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "freshet_add_plugin(NAME SOURCES file... [LINK target...] [VERSION_SCRIPT default|none|FILE])")
  endif()
  if(NOT arg_VERSION_SCRIPT OR arg_VERSION_SCRIPT STREQUAL "default")
    set(arg_VERSION_SCRIPT ${FRESHET_PLUGIN_VERSION_SCRIPT})
  endif()

  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE Freshet::sdk ${arg_LINK})
  set_target_properties(${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
    SKIP_BUILD_RPATH ON INSTALL_RPATH "")
  target_link_options(${name} PRIVATE -Wl,-z,relro,-z,now,-z,noexecstack,-z,text -Wl,--as-needed -Wl,--gc-sections)
  if(NOT arg_VERSION_SCRIPT STREQUAL "none")
    target_link_options(${name} PRIVATE -Wl,--version-script=${arg_VERSION_SCRIPT})
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${arg_VERSION_SCRIPT})
  endif()
  # A sanitizer's functions come from the program that loads the plugin.
  if(NOT FRESHET_SANITIZE AND NOT FRESHET_FUZZ)
    target_link_options(${name} PRIVATE -Wl,-z,defs $<$<LINK_LANGUAGE:CXX>:-static-libstdc++;-shared-libgcc>)
  endif()
endfunction()
