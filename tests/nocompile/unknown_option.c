/* SPDX-License-Identifier: Apache-2.0 */
/* An option that there is not. */
#include "helloworld.proa.h"

proa_channel *f(void);
proa_channel *f(void)
{
#ifdef GOOD
    return proa_channel_open("h:1", &(proa_channel_options){ .timeout_ns = 5 });
#else
    return proa_channel_open("h:1", &(proa_channel_options){ .timeout_ms = 5 }); // expect-error: timeout_ms
#endif
}
