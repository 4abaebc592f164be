"""How a network meets a big picture: device, precision, tiles, fused inference."""
