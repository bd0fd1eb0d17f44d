"""What "works" means for an image: probes, how they are asked, and what was answered."""
