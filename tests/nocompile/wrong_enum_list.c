/* SPDX-License-Identifier: Apache-2.0 */
/* A list of an enum takes no other enum. */
#include "shapes.proa.h"

void f(shapes_Palette *palette);
void f(shapes_Palette *palette)
{
    static shapes_Color color = shapes_COLOR_RED;
    static shapes_Size size = shapes_SIZE_SMALL;
    palette->sizes.data = &size;
#ifdef GOOD
    palette->colors.data = &color;
#else
    palette->colors.data = &size; // expect-error: incompatible pointer type | different sign
    (void)color;
#endif
}
