// Declares every handler, family by family.
#pragma once
