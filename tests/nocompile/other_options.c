/* SPDX-License-Identifier: Apache-2.0 */
/* Options belong to what they are for. */
#include "helloworld.proa.h"

proa_channel *f(void);
proa_channel *f(void)
{
#ifdef GOOD
    return proa_channel_open("h:1", &(proa_channel_options){ .plaintext = true });
#else
    return proa_channel_open("h:1", &(proa_server_options){ .loops = 1 }); // expect-error: incompatible pointer type
#endif
}
