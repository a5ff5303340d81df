// SPDX-License-Identifier: Apache-2.0
// A process that does nothing. It shows how long it takes to start any process.
int main(void) { return 0; }
