"""Networks that others have trained, in files of ONNX Runtime and OpenVINO: they only embed."""
