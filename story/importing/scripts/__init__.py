"""Scripts that name their speakers: tagged text, VoxNovel's table, Fountain, WavJourney's list."""
