# lodge_sanitize(TARGET): builds TARGET, and what links it, with the sanitizers LODGE_SANITIZE names. The
# freestanding kernel never has them.
function(lodge_sanitize target)
  if(LODGE_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${LODGE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    # Warnings are the ordinary build's to judge: at -O1 and with instrumentation g++ sees more that is not there.
    target_compile_options(${target} PUBLIC -Wno-error)
    if(LODGE_SANITIZE MATCHES thread)
      # TSan does not see fences: g++ warns of each. Where one matters, a report shows it.
      target_compile_options(${target} PUBLIC -Wno-tsan)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${LODGE_SANITIZE})
  endif()
endfunction()
