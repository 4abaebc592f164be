"""Where files lie: on this machine, or behind URLs of object stores; read whole, and never written by half."""
