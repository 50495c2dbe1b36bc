// SPDX-License-Identifier: Apache-2.0
#include "program.h"

int main(int argc, char** argv) {
  return lowp::tool::run_program({argv + (argc > 0 ? 1 : 0), argv + argc});
}
