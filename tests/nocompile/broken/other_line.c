/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GOOD
int x = "text";
int y = 1; // expect-error: makes integer | incompatible
#endif
