"""The parts of a zip archive that its writer and its reader share.

Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", 6.3.10, sections 4.3 and 4.4.
"""

from __future__ import annotations

import struct

LIMIT_16 = 0xFFFF  # from here on, a number stands in the zip64 fields
LIMIT_32 = 0xFFFFFFFF

STORED, DEFLATED = 0, 8  # the two methods that NumPy writes

ENCRYPTED, OPTIONS, DESCRIPTOR, UTF8 = 1 << 0, 3 << 1, 1 << 3, 1 << 11  # flags

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
END_64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR = struct.Struct("<4sIQI")

LOCAL_MARK = b"PK\x03\x04"
CENTRAL_MARK = b"PK\x01\x02"
END_MARK = b"PK\x05\x06"
END_64_MARK = b"PK\x06\x06"
LOCATOR_MARK = b"PK\x06\x07"
DESCRIPTOR_MARK = b"PK\x07\x08"

EXTRA_64 = 1  # the extra field that holds the numbers which do not fit
