/* SPDX-License-Identifier: Apache-2.0 */
int x = 1; // expect-error: incompatible
