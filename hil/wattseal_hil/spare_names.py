"""Names that MicroPython has in ROM, for modules and types that the firmware makes no use of.

A name from there costs a firmware nothing. They are those of MicroPython's full-featured ports
(ESP32, unix); where one is missing it is a name like any other. None is one that the interpreter
itself looks for in an object, such as `send` or `read`.
"""

_ARGUMENTS = """
acos acosh asin asinh atan atan2 atanh ceil copysign cosh degrees erf erfc exp expm1 fabs
factorial floor fmod frexp inf isclose isfinite isinf isnan ldexp lgamma log10 log2 modf nan
radians
"""
_PUBLIC = """
sin sinh sqrt tan tanh tau trunc polar rect compile match sub heapify heappop heappush
getrandbits randint randrange ARRAY BFINT16 BFINT32 BFINT8 BFUINT16 BFUINT32 BFUINT8 BF_LEN
BF_POS BIG_ENDIAN FLOAT32 FLOAT64 INT INT16 INT32 INT64 INT8 LITTLE_ENDIAN LONG LONGLONG
NATIVE PTR SHORT UINT UINT16 UINT32 UINT64 UINT8 ULONG ULONGLONG USHORT VOID addressof
bytearray_at bytes_at sizeof struct EACCES EADDRINUSE EAGAIN EALREADY EBADF ECONNABORTED
ECONNREFUSED ECONNRESET EEXIST EHOSTUNREACH EINPROGRESS EINVAL EIO EISDIR ENOBUFS ENODEV
ENOENT ENOMEM ENOTCONN EOPNOTSUPP EPERM ETIMEDOUT errorcode calcsize pack pack_into unpack
unpack_from OrderedDict deque namedtuple AF_INET AF_INET6 AF_UNIX MSG_DONTROUTE MSG_DONTWAIT
SOCK_DGRAM SOCK_RAW SOCK_STREAM SOL_SOCKET SO_BROADCAST SO_ERROR SO_KEEPALIVE SO_LINGER
SO_REUSEADDR getaddrinfo inet_ntop inet_pton sockaddr socket LockType allocate_lock
get_ident stack_size start_new_thread POLLERR POLLHUP POLLIN POLLOUT AUTO DeflateIO GZIP RAW
ZLIB FrameBuffer1 GS2_HMSB GS4_HMSB GS8 MONO_HLSB MONO_HMSB MVLSB RGB565 a2b_base64
b2a_base64 hexlify unhexlify md5 sha1 dump dumps IOBase StringIO sep VfsFat VfsLfs1 VfsLfs2
VfsPosix chdir getcwd getenv mount putenv rmdir umount unlink unsetenv localtime mktime
sleep_us ticks_add ticks_cpu byteorder exc_info executable implementation maxsize platform
ps1 ps2 stderr stdin stdout version_info disable enable isenabled mem_alloc mem_free RingIO
heap_lock heap_unlock kbd_intr mem_current mem_info mem_peak mem_total opt_level qstr_info
schedule stack_use find isalpha islower isspace isupper lstrip rindex rstrip startswith
center splitlines insert sort fromkeys difference_update discard intersection
intersection_update isdisjoint issubset issuperset symmetric_difference
symmetric_difference_update union deleter getter setter ArithmeticError AssertionError
AttributeError BaseException Ellipsis GeneratorExit IndentationError KeyError
KeyboardInterrupt LookupError NameError NotImplementedError OverflowError SyntaxError
SystemExit TypeError ZeroDivisionError callable classmethod dir eval exec globals hasattr
issubclass iter locals repr staticmethod NotImplemented StopAsyncIteration UnicodeError
ViperTypeError complex execfile filter float frozenset help oct slice CERT_NONE
CERT_OPTIONAL CERT_REQUIRED MBEDTLS_VERSION PROTOCOL_DTLS_CLIENT PROTOCOL_DTLS_SERVER
PROTOCOL_TLS_CLIENT PROTOCOL_TLS_SERVER SSLContext
"""
ARGUMENTS = tuple(_ARGUMENTS.split())
PUBLIC = tuple(_PUBLIC.split())
