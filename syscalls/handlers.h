// Declares every handler, family by family.
#pragma once
#include "syscalls/sys_futex.h"
#include "syscalls/sys_identity.h"
#include "syscalls/sys_mm.h"
#include "syscalls/sys_pipe.h"
#include "syscalls/sys_poll.h"
#include "syscalls/sys_process.h"
#include "syscalls/sys_signal.h"
