"""DeepSeek-OCR 2 for flopbench."""
