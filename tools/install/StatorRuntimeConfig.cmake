# What find_package(StatorRuntime) gives:
#
#   Stator::runtime           libstator_runtime.so and its headers
#   Stator::runtime_static    libstator_runtime.a and its headers
#   Stator::stator            the command
#   stator_add_object(...)    see below
get_filename_component(_stator_prefix "${CMAKE_CURRENT_LIST_DIR}" REALPATH)
get_filename_component(_stator_prefix "${_stator_prefix}/../../.." ABSOLUTE)

if(NOT TARGET Stator::runtime)
  add_library(Stator::runtime SHARED IMPORTED)
  set_target_properties(Stator::runtime PROPERTIES
    IMPORTED_LOCATION "${_stator_prefix}/lib/libstator_runtime.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_stator_prefix}/include")

  # Written in C++: a program in C needs these too.
  add_library(Stator::runtime_static STATIC IMPORTED)
  set_target_properties(Stator::runtime_static PROPERTIES
    IMPORTED_LOCATION "${_stator_prefix}/lib/libstator_runtime.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_stator_prefix}/include"
    INTERFACE_LINK_LIBRARIES "stdc++;m;pthread")

  add_executable(Stator::stator IMPORTED)
  set_target_properties(Stator::stator PROPERTIES
    IMPORTED_LOCATION "${_stator_prefix}/bin/stator")
endif()

foreach(_stator_file bin/stator lib/libstator_runtime.so lib/libstator_runtime.a
        include/stator_runtime.h)
  if(NOT EXISTS "${_stator_prefix}/${_stator_file}")
    set(StatorRuntime_FOUND FALSE)
    set(StatorRuntime_NOT_FOUND_MESSAGE "${_stator_prefix}/${_stator_file} is missing")
  endif()
endforeach()
unset(_stator_file)
unset(_stator_prefix)

# stator_add_object(NAME GRAPH FILE [OPTIONS ...])
#
# A library NAME that holds a compiled graph and needs no other: NAME.o, and the classes of NAME.h.
# OPTIONS are `stator compile`'s. It is compiled anew when the graph changes.
function(stator_add_object name)
  cmake_parse_arguments(arg "" "GRAPH" "OPTIONS" ${ARGN})
  if(NOT arg_GRAPH)
    message(FATAL_ERROR "stator_add_object(${name}): give GRAPH")
  endif()
  get_filename_component(graph "${arg_GRAPH}" ABSOLUTE)
  set(stem "${CMAKE_CURRENT_BINARY_DIR}/${name}.stator/${name}")
  add_custom_command(
    OUTPUT "${stem}.o" "${stem}.h"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_CURRENT_BINARY_DIR}/${name}.stator"
    COMMAND Stator::stator compile "${graph}" --emit=object,header -o "${stem}.stb" ${arg_OPTIONS}
    DEPENDS "${graph}"
    COMMENT "Compiling the graph ${arg_GRAPH}"
    VERBATIM)
  add_library(${name} STATIC "${stem}.o" "${stem}.h")
  set_source_files_properties("${stem}.o" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(${name} INTERFACE "${CMAKE_CURRENT_BINARY_DIR}/${name}.stator")
  target_compile_features(${name} INTERFACE cxx_std_17)
endfunction()
