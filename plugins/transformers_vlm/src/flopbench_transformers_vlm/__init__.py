"""OCR and vision-language models of transformers, for flopbench."""
