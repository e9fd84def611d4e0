/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in a proa_error, and the words for its codes. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

proa_err error_set(proa_error *error, proa_err code, const char *format, ...)
{
    if (!error)
        return code;
    /* An argument may be the text of this very error, being wrapped. */
    proa_error made = { .code = code };
    va_list args;
    va_start(args, format);
    int size = vsnprintf(made.text, sizeof made.text, format, args);
    va_end(args);
    if (size < 0)
        made.text[0] = '\0';
    *error = made;
    return code;
}

const char *error_name(proa_err code)
{
    switch (code) {
    case PROA_ERR_NONE: return "no error";
    case PROA_ERR_NOMEM: return "out of memory";
    case PROA_ERR_LIMIT: return "over a limit";
    case PROA_ERR_MALFORMED: return "malformed";
    case PROA_ERR_REQUIRED: return "something required is missing";
    case PROA_ERR_CLOSED: return "closed";
    case PROA_ERR_ADDRESS: return "bad address";
    case PROA_ERR_IO: return "input or output failed";
    case PROA_ERR_TLS: return "TLS failed";
    case PROA_ERR_CONFIG: return "bad configuration";
    }
    return "unknown error";
}
