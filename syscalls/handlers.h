// Declares every handler, family by family.
#pragma once
#include "syscalls/sys_mm.h"
