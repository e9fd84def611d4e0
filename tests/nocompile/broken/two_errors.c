/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GOOD
int x = "text"; // expect-error: makes integer | incompatible
int y = "text";
#endif
