# The kernel is built from the same sources as `lodge-kernel`, a freestanding ELF at a fixed address, as
# `lodge-kernel-lockdep`, which also checks lock order and waiting rules, and as `lodge-hosted`, an ordinary library for
# the unit tests. kernel/host/ has the part that differs: what stands in kernel/host/hosted/ replaces the rest of that
# folder's .cc and .S files in the library.
set(kernel_trees kernel syscalls vfs net)
set(kernel_globs)
foreach(tree ${kernel_trees})
  list(APPEND kernel_globs ${CMAKE_SOURCE_DIR}/${tree}/*.cc ${CMAKE_SOURCE_DIR}/${tree}/*.S)
endforeach()
file(GLOB_RECURSE kernel_all CONFIGURE_DEPENDS ${kernel_globs})
list(FILTER kernel_all EXCLUDE REGEX "/kernel/host/vdso/")
set(kernel_sources ${kernel_all})
list(FILTER kernel_sources EXCLUDE REGEX "/kernel/host/hosted/")
# What only makes sense inside the freestanding kernel: the real host calls, the gate, the platform.
set(hosted_sources ${kernel_all})
list(FILTER hosted_sources EXCLUDE REGEX "/kernel/host/[^/]*$")
list(FILTER hosted_sources EXCLUDE REGEX "/kernel/platform/|/kernel/task/mm_hooks|/kernel/loader/|/syscalls/|/vfs/procfs/")

set(warnings -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers -Wno-invalid-offsetof)
set(LODGE_LINK_ADDRESS 0x780000000000)

if(NOT kernel_sources)
  return()
endif()
# The vDSO of the guests is an ELF of its own, which lodge-kernel carries as data.
set(vdso_source ${CMAKE_SOURCE_DIR}/kernel/host/vdso)
set(vdso_image ${CMAKE_BINARY_DIR}/linux-vdso.so.1)
add_custom_command(OUTPUT ${vdso_image}
  COMMAND ${CMAKE_C_COMPILER} -shared -nostdlib -s -o ${vdso_image} ${vdso_source}/vdso.S
    -Wl,-T,${vdso_source}/vdso.lds,-soname,linux-vdso.so.1,--hash-style=both,-Bsymbolic,--eh-frame-hdr,--build-id=sha1
    -Wl,-z,max-page-size=4096,-z,noexecstack,--fatal-warnings
  DEPENDS ${vdso_source}/vdso.S ${vdso_source}/vdso.lds
  COMMENT "Linking the vDSO of the guests" VERBATIM)
set_source_files_properties(${vdso_source}/vdso_image.S PROPERTIES
  OBJECT_DEPENDS ${vdso_image} COMPILE_DEFINITIONS LODGE_VDSO_IMAGE="${vdso_image}")

# What lodge and the kernel must agree on lies in these headers. Each of the two carries this number of them, so that lodge
# can refuse a kernel of another build.
set(interface_headers kernel/base/layout.h kernel/mailbox/mailbox.h kernel/mailbox/debug_layout.h)
set(interface_text)
foreach(header ${interface_headers})
  file(READ ${CMAKE_SOURCE_DIR}/${header} header_text)
  string(APPEND interface_text "${header_text}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${header})
endforeach()
string(SHA256 interface_hash "${interface_text}")
string(SUBSTRING ${interface_hash} 0 16 interface_hash)
set(interface_definition LODGE_INTERFACE=0x${interface_hash})
set_source_files_properties(${CMAKE_SOURCE_DIR}/kernel/host/entry.S PROPERTIES COMPILE_DEFINITIONS ${interface_definition})

set(freestanding -ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector -fno-threadsafe-statics
    -fno-strict-aliasing -fPIE -fvisibility=hidden -mgeneral-regs-only -mfsgsbase -mno-red-zone
    -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -g)
function(lodge_kernel name)
  add_executable(${name} ${kernel_sources} ${vdso_source}/vdso_image.S)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${freestanding} ${warnings}>
                                         $<$<COMPILE_LANGUAGE:ASM>:-g>)
  target_compile_definitions(${name} PRIVATE ${ARGN})
  target_link_options(${name} PRIVATE -nostdlib -static -no-pie
    -Wl,--no-relax,-Ttext-segment=${LODGE_LINK_ADDRESS},-e,lodge_kernel_entry,-z,noexecstack,-z,separate-code,--gc-sections,--build-id)
endfunction()
lodge_kernel(lodge-kernel)
lodge_kernel(lodge-kernel-lockdep LODGE_LOCKDEP)
# For tests alone: tools/test builds it.
set_target_properties(lodge-kernel-lockdep PROPERTIES EXCLUDE_FROM_ALL TRUE)

if(hosted_sources)
  add_library(lodge-hosted STATIC EXCLUDE_FROM_ALL ${hosted_sources})
  target_include_directories(lodge-hosted PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_definitions(lodge-hosted PUBLIC LODGE_HOSTED LODGE_LOCKDEP)
  target_compile_options(lodge-hosted PRIVATE ${warnings} -fno-exceptions -fno-rtti -mfsgsbase -g)
  lodge_sanitize(lodge-hosted)
endif()
