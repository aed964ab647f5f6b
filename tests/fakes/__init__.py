"""Stand-ins for those outside: processes of their own, on loopback, that keep their own books."""
