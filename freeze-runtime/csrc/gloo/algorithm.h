// A stand-in for gloo's header of this name, which wheels of PyTorch do not have. ProcessGroupGloo.hpp
// includes it and uses nothing of it.

#pragma once
