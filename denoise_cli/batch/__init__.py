"""From files to files: what to do, one picture, and many with reading, computing and writing at the same time."""
