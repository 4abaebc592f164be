"""The article's experiment: four networks on noisy handwritten digits, and Noise2Noise."""
