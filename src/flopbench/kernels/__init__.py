"""What a GPU executes: tiles and splits of attention kernels, tiles of GEMMs, Nsight Compute."""
